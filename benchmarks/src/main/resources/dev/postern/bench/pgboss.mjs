// pg-boss in batches: as many at once as pay, several fetchers, the next batch at once while batches are full.
import { PgBoss } from 'pg-boss';
import { Pool } from 'undici';

const [command, ...rest] = process.argv.slice(2);
const boss = new PgBoss({
  connectionString: process.env.BENCH_DATABASE, max: 10, schedule: false, supervise: command === 'work',
});
boss.on('error', error => console.error(error.message));
await boss.start();
if (command === 'migrate') {
  await boss.createQueue('noop');
  await boss.stop();
  process.exit(0);
}
if (command === 'enqueue') {
  const [first, jobs] = rest.map(Number);
  for (let from = first; from < first + jobs; from += 5000) {
    const length = Math.min(5000, first + jobs - from);
    await boss.insert('noop', Array.from({ length }, (_, i) => ({ data: { n: from + i } })));
  }
  await boss.stop();
  process.exit(0);
}
const url = new URL(process.env.BENCH_FUNCTION);
const functions = new Pool(url.origin, { connections: 96, pipelining: 1 });
async function post(data) {
  const { statusCode, body } = await functions.request({
    path: url.pathname, method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(data),
  });
  await body.dump();
  if (statusCode !== 200) throw new Error(`HTTP ${statusCode}`);
}
await boss.work('noop',
  { batchSize: 500, localConcurrency: 3, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true },
  jobs => Promise.all(jobs.map(job => post(job.data))));
console.log('ready');
