/*
 * The life of an attempt as the functions in ../functions let it happen: claim, lease, renewal, expiry, both ways to
 * report, cancel, replay, and the faults between them. R1 to R9 are the rules of docs/protocol-model.md, which also says
 * what is left out. ./check runs this, whole and with one thing broken at a time.
 *
 * A function that holds the row's lock is one step here. Time is not a number: a claim, an expiry, a report may come at
 * any moment that the protocol allows. Statements and reports get lost, arrive late, and arrive again.
 */

/* Bounds. There is room for as many claims as the caps allow; one more breaks R6. */
#ifndef JOBS
#define JOBS 1 /* two of them share a queue */
#endif
#ifndef MAX_ATTEMPTS
#define MAX_ATTEMPTS 2
#endif
#ifndef INFRA_CAP
#define INFRA_CAP 2
#endif
#ifndef SNOOZES
#define SNOOZES 0
#endif
#ifndef DRAINS
#define DRAINS 0
#endif
#ifndef CANCELS
#define CANCELS 0
#endif
#ifndef REPLAYS
#define REPLAYS 0
#endif
#ifndef HEARTBEATS
#define HEARTBEATS 1
#endif
#define CLAIMS ((JOBS + REPLAYS) * (MAX_ATTEMPTS + INFRA_CAP - 1) + SNOOZES + DRAINS)
#define SLOTS 5 /* 1 to 4 are attempts; FOR_ATTEMPTS knows them too */
#if CLAIMS >= SLOTS
#error "these bounds allow more claims than there are slots"
#endif
#define NONE 0

/* Outcomes, and RELEASE, which travels to the database the same way */
#define COMPLETE 1
#define RETRY 2
#define DEAD 3
#define INFRASTRUCTURE 4
#define SNOOZE 5
#define WAIT 6
#define WAIT_AGAIN 7
#define RELEASE 8

/* Leases */
#define EXPIRED 0
#define AGING 1
#define FRESH 2

/* How an attempt's lease ended. For the rules only: no SQL reads it */
#define OPEN 0
#define ENDED 1
#define GIVEN_BACK 2
#define TAKEN_BACK 3
#define CANCELLED 4

/* Verdicts of a refusal */
#define REPLAY 1
#define CONFLICT 2
#define STALE 3

/* A job: its row in jobs while it is stored, and what job_history has of it. */
typedef Job {
  bool stored = true;
  byte archived; /* rows in job_history */
  bool cancelled; /* job_history.state */
  byte last; /* job_history.lease_token */
  byte attempts;
  byte infra; /* infra_failures */
  byte token; /* lease_token; locked_at is set as long as it is */
  byte lease; /* lease_expires_at */
  bool waiting; /* waiting_since */
  bool locked; /* the row, by a claimer before its update */
  byte revived /* the last attempt before the replay: numbers start again */
}

/* An attempt: its fence is (job, number, token), and its token is its index. */
typedef Attempt {
  byte job;
  byte number;
  bool called; /* the function has the callback URL and may use it from now on, at any time */
  byte offer; /* what its worker sent: may arrive at any time, more than once, or never */
  byte error; /* in jobs.errors: ENDED, or TAKEN_BACK for 'expired' */
  byte end; /* for the rules only */
  byte accepted /* the outcome that was: for the rules only */
}

Job job[JOBS];
Attempt attempt[SLOTS];
byte claims = 0;

/* A worker: the attempt it holds, and whether it believes in the lease; it does until it has an answer to offer. */
byte held[2];
bool trusts[2];

byte snoozes = 0;
byte heartbeats = 0;
byte drains = 0;
byte cancels = 0;
byte replays = 0;

#define J(t) job[attempt[t].job]
#define leased(j) (job[j].stored && job[j].token != NONE)
#define dead(j) (job[j].stored && job[j].token == NONE && job[j].attempts >= MAX_ATTEMPTS)
#define ready(j) (job[j].stored && job[j].token == NONE && job[j].attempts < MAX_ATTEMPTS)
#define ended(j) (!job[j].stored || dead(j))
#define trusted(t) ((held[0] == t && trusts[0]) || (held[1] == t && trusts[1]))

/* Always false, so that a failed assertion prints the name of its rule. */
hidden byte R1, R2, R3, R4, R5, R6, R7, R8, R9;

#define FOR_ATTEMPTS(option) option(1) option(2) option(3) option(4)
#if JOBS == 2
#define FOR_JOBS(option) option(0) option(1)
#define all_ended (ended(0) && ended(1))
#define running (leased(0) || leased(1))
#else
#define FOR_JOBS(option) option(0)
#define all_ended ended(0)
#endif

/* The fence: in the where of every statement that ends, renews or reports. */
#ifdef ACCEPT_AFTER_CANCEL
#define same_job(t) (J(t).stored || (J(t).cancelled && J(t).last == t))
#else
#define same_job(t) J(t).stored
#endif
#ifdef FENCE_WITHOUT_ATTEMPT
#define same_attempt(t) true
#else
#define same_attempt(t) (J(t).attempts == attempt[t].number)
#endif
#ifdef FENCE_WITHOUT_TOKEN
#define same_token(t) true
#else
#define same_token(t) (J(t).token == t)
#endif
#define fenced(t) (same_job(t) && same_attempt(t) && same_token(t))

/* R1: a committed job is in jobs or in job_history, and only once. */
#define never_lost(row) assert(R1 || row.stored + row.archived == 1)

#define unlease(row) row.token = NONE; row.lease = EXPIRED; row.waiting = false

/* claim_jobs: charges the attempt and makes its token, which is the next index. */
inline claim_jobs(j) {
  /* R6, its safe half: the trying comes to an end. */
  assert(R6 || claims < CLAIMS);
  claims++;
  job[j].attempts++;
  /* R5: a number comes again only when the attempt that had it was given back, or after a replay. */
  i = job[j].revived + 1;
  do
  :: i < claims ->
    assert(R5 || attempt[i].job != j || attempt[i].number != job[j].attempts || attempt[i].end == GIVEN_BACK);
    i++
  :: else -> break
  od;
  i = 0;
  attempt[claims].job = j;
  attempt[claims].number = job[j].attempts;
  job[j].token = claims;
  job[j].lease = FRESH;
  job[j].waiting = false
}

/* finish_jobs for one element, with the verdict of refused_outcome. */
inline finish_jobs(t, outcome) {
  if
  :: fenced(t) ->
    assert(R4 || attempt[t].end != CANCELLED);
    assert(R2 || attempt[t].accepted == NONE);
    assert(R3 || attempt[t].end == OPEN);
    if
    :: outcome == WAIT ->
      J(t).waiting = true;
      J(t).lease = FRESH
    :: outcome == COMPLETE ->
      J(t).stored = false;
#ifndef COMPLETE_WITHOUT_HISTORY
      J(t).archived++;
#endif
      J(t).last = t;
      unlease(J(t))
    :: else ->
      if
      :: outcome == DEAD -> J(t).attempts = MAX_ATTEMPTS
      :: outcome == INFRASTRUCTURE ->
        J(t).infra++;
        if
#ifndef INFRASTRUCTURE_WITHOUT_CAP
        :: J(t).infra >= INFRA_CAP -> J(t).attempts = MAX_ATTEMPTS
#endif
        :: else -> J(t).attempts--
        fi
      :: outcome == SNOOZE -> J(t).attempts--
      :: else -> skip /* a retry stays charged */
      fi;
      if
      :: outcome != SNOOZE -> attempt[t].error = ENDED
      :: else -> skip
      fi;
#ifdef FAILURE_KEEPS_TOKEN
      skip
#else
      unlease(J(t))
#endif
    fi;
    if
    :: outcome != WAIT ->
      attempt[t].accepted = outcome;
      attempt[t].end = ((outcome == INFRASTRUCTURE || outcome == SNOOZE) -> GIVEN_BACK : ENDED)
    :: else -> skip
    fi
  :: else ->
    if
    :: J(t).archived && J(t).cancelled -> verdict = CANCELLED
    :: J(t).archived && !J(t).cancelled && J(t).last == t ->
      verdict = ((outcome == COMPLETE || outcome == WAIT) -> REPLAY : CONFLICT)
    :: else ->
      if
#ifdef EXPIRED_COUNTS_AS_ENDED
      :: attempt[t].error != NONE ->
#else
      :: attempt[t].error == ENDED ->
#endif
        verdict = (outcome == COMPLETE -> CONFLICT : REPLAY)
      :: else -> verdict = STALE
      fi
    fi;
    /* R9: who offers again what was accepted is told so; a conflict and a replay are told only where one is. */
    assert(R9 || attempt[t].accepted != outcome || verdict == REPLAY || verdict == CANCELLED
      || outcome == SNOOZE /* leaves nothing in errors: stale */);
    assert(R9 || verdict != REPLAY || (attempt[t].accepted != NONE
      && (outcome == WAIT || (outcome == COMPLETE) == (attempt[t].accepted == COMPLETE))));
    assert(R9 || verdict != CONFLICT || (attempt[t].accepted != NONE
      && (outcome == COMPLETE) != (attempt[t].accepted == COMPLETE)));
    verdict = NONE
  fi;
  never_lost(J(t))
}

inline release_leases(t) {
  if
  :: fenced(t) ->
    assert(R3 || attempt[t].end == OPEN);
    J(t).attempts--;
    unlease(J(t));
    attempt[t].end = GIVEN_BACK
  :: else -> skip
  fi
}

inline reap_leases(j) {
  assert(R8 || !trusted(job[j].token));
  if
  :: attempt[job[j].token].end == OPEN ->
    attempt[job[j].token].error = TAKEN_BACK;
    attempt[job[j].token].end = TAKEN_BACK
  :: else -> skip
  fi;
  if
  :: job[j].waiting -> skip
  :: else ->
    job[j].infra++;
    if
    :: job[j].infra >= INFRA_CAP -> job[j].attempts = MAX_ATTEMPTS
#ifdef REAP_WITHOUT_CHARGE
    :: else -> job[j].attempts--
#else
    :: else -> skip
#endif
    fi
  fi;
#ifndef REAP_KEEPS_TOKEN
  unlease(job[j]);
#endif
  never_lost(job[j])
}

inline cancel_job(j) {
  if
  :: job[j].token != NONE -> attempt[job[j].token].end = CANCELLED
  :: else -> skip
  fi;
  job[j].stored = false;
  job[j].archived++;
  job[j].cancelled = true;
  job[j].last = job[j].token;
#ifndef ACCEPT_AFTER_CANCEL
  unlease(job[j]);
#endif
  never_lost(job[j])
}

/* reschedule_jobs with attempts => 0, for a dead letter or whatever else nobody holds. */
inline reschedule_jobs(j) {
  if
  :: job[j].token != NONE ->
    assert(R8 || !trusted(job[j].token));
    attempt[job[j].token].end = TAKEN_BACK
  :: else -> skip
  fi;
  job[j].attempts = 0;
  job[j].infra = 0;
  job[j].revived = claims;
  unlease(job[j]);
  never_lost(job[j])
}

/*
 * A worker. Its crash, a lease that it could not renew, an outcome that it no longer offers: it forgets the attempt, at
 * any moment, and only that is seen from outside. The function may go on.
 */
#define hold(w) held[w] = claims; trusts[w] = true; attempt[claims].called = true
#define answered(w) (held[w] != NONE && trusts[w])
#define offer(w, outcome) trusts[w] = false; attempt[held[w]].offer = outcome

#if JOBS == 2
/*
 * Of a queue: a look, then claim_queue_heads, which looks again under the lock of the queue and has the row's lock, then
 * the update. All three are one transaction, which a crash rolls back.
 */
bool queue_locked = false;
#ifdef QUEUE_WITHOUT_LOCK
#define may_lock_queue true
#else
#define may_lock_queue !queue_locked
#endif
#ifdef QUEUE_WITHOUT_SECOND_LOOK
#define queue_is_free true
#else
#define queue_is_free !running
#endif
#define CLAIM(j) \
  :: d_step { held[w] == NONE && looked == NONE && ready(j) && !running -> looked = j + 1 } \
  :: d_step { looked == j + 1 && !heads && may_lock_queue && queue_is_free && ready(j) && !job[j].locked -> \
      queue_locked = true; job[j].locked = true; heads = true } \
  :: d_step { looked == j + 1 && heads -> claim(j); hold(w) } \
  :: d_step { looked == j + 1 && heads -> claim(j) } \
  :: d_step { looked == j + 1 -> rollback(j) }
#define rollback(j) \
  looked = NONE; \
  if \
  :: heads -> queue_locked = false; job[j].locked = false; heads = false \
  :: else -> skip \
  fi
#define claim(j) assert(R7 || !running); claim_jobs(j); rollback(j)
#else
/* Twice: the answer may get lost after the commit, and the worker never hears of what it holds. */
#define CLAIM(j) \
  :: d_step { held[w] == NONE && ready(j) -> claim_jobs(j); hold(w) } \
  :: d_step { held[w] == NONE && ready(j) -> claim_jobs(j) }
#endif

active [2] proctype worker() {
  byte w = _pid;
  byte i = 0;
#if JOBS == 2
  byte looked = NONE;
  bool heads = false;
#endif
end:
  do
  FOR_JOBS(CLAIM)
  :: d_step { answered(w) -> offer(w, COMPLETE) }
  :: d_step { answered(w) -> offer(w, RETRY) }
  :: d_step { answered(w) -> offer(w, INFRASTRUCTURE) } /* nobody answered */
  :: d_step { answered(w) -> offer(w, WAIT) } /* 202 */
  :: d_step { answered(w) && snoozes < SNOOZES -> snoozes++; offer(w, SNOOZE) }
  :: d_step { answered(w) && drains < DRAINS -> drains++; offer(w, RELEASE) }
  :: d_step { held[w] != NONE -> held[w] = NONE; trusts[w] = false }
  od
}

/* LeaseKeeper: renews what its worker holds, until the outcome is stored. */
active [2] proctype keeper() {
  byte w = _pid - 2; /* its worker */
end:
  do
  :: d_step { held[w] != NONE && fenced(held[w]) && J(held[w]).lease == AGING -> J(held[w]).lease = FRESH }
  :: d_step {
      answered(w) && (!fenced(held[w]) || J(held[w]).lease == EXPIRED) ->
      /* R8: what is trusted is lost to an outcome or a cancel only. */
      assert(R8 || attempt[held[w]].end == ENDED || attempt[held[w]].end == CANCELLED);
      trusts[w] = false;
      held[w] = NONE
    }
  od
}

/* The way to the database: brings what workers have sent, late, again, also after their crash. */
#define DELIVER(t) \
  :: d_step { \
      attempt[t].offer != NONE && !J(t).locked -> \
      if \
      :: attempt[t].offer == RELEASE -> release_leases(t) \
      :: attempt[t].offer == WAIT -> finish_jobs(t, WAIT); attempt[t].offer = WAIT_AGAIN \
      :: attempt[t].offer == WAIT_AGAIN -> finish_jobs(t, WAIT); attempt[t].offer = NONE \
      :: else -> finish_jobs(t, attempt[t].offer) \
      fi \
    }

active proctype wire() {
  byte verdict = NONE;
end:
  do
  FOR_ATTEMPTS(DELIVER)
  od
}

/* The function: for every attempt that it was called for it reports what it likes, early, late, again, and the opposite. */
#define REPORT(t) \
  :: d_step { attempt[t].called && !J(t).locked -> finish_jobs(t, COMPLETE) } \
  :: d_step { attempt[t].called && !J(t).locked -> finish_jobs(t, RETRY) } \
  :: d_step { attempt[t].called && !J(t).locked -> finish_jobs(t, DEAD) } \
  :: d_step { /* report_progress */ \
      heartbeats < HEARTBEATS && attempt[t].called && fenced(t) && J(t).lease == AGING -> \
      heartbeats++; J(t).lease = FRESH }

active proctype function() {
  byte verdict = NONE;
end:
  do
  FOR_ATTEMPTS(REPORT)
  od
}

/* A lease runs down by itself. It ends after its worker's trust in it, which counts from an earlier moment. */
#define AGE(j) \
  :: d_step { leased(j) && job[j].lease == FRESH -> job[j].lease = AGING } \
  :: d_step { leased(j) && job[j].lease == AGING && !trusted(job[j].token) -> job[j].lease = EXPIRED }

active proctype clock() {
end:
  do
  FOR_JOBS(AGE)
  od
}

#if defined(REAP_WITHOUT_EXPIRY)
#define may_reap(j) leased(j)
#elif defined(REAP_WITHOUT_WAITING)
#define may_reap(j) (leased(j) && job[j].lease == EXPIRED && !job[j].waiting)
#else
#define may_reap(j) (leased(j) && job[j].lease == EXPIRED)
#endif
#define REAP(j) \
  :: d_step { may_reap(j) -> reap_leases(j) }

active proctype reaper() {
end:
  do
  FOR_JOBS(REAP)
  od
}

#define OPERATE(j) \
  :: d_step { cancels < CANCELS && job[j].stored && !job[j].locked -> cancels++; cancel_job(j) } \
  :: d_step { \
      replays < REPLAYS && job[j].stored && !job[j].locked && (job[j].token == NONE || job[j].lease == EXPIRED) -> \
      replays++; reschedule_jobs(j) }

active proctype operator() {
end:
  do
  FOR_JOBS(OPERATE)
  od
}

/* R6: as long as nobody stops for ever, every job ends: succeeded, cancelled, or a dead letter. */
ltl every_job_ends { <>[] all_ended }
