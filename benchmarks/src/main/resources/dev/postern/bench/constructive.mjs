// Constructive's published worker as its own entry starts it. One job at a time is all that it does.
import published from '@constructive-io/knative-job-worker';
import pools from '@constructive-io/job-pg';

// It writes two lines a job; what they cost is not what is asked here.
const say = console.log;
for (const name of ['log', 'info', 'debug', 'warn']) console[name] = () => {};
const worker = new published.Worker({ pgPool: pools.default.getPool(), workerId: 'bench-worker', tasks: [] });
worker.listen();
// A notification that comes before it waits for one is lost, and it looks again after 15 s.
const look = setInterval(() => {
  if (worker.doNextTimer) {
    clearInterval(look);
    say('ready');
  }
}, 20);
