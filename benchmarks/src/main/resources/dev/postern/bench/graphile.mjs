// graphile-worker as its page on performance sets it up for speed; for latency without the batches, which wait.
import { Logger, run, runMigrations } from 'graphile-worker';
import { Pool } from 'undici';

const [command, mode] = process.argv.slice(2);
const connectionString = process.env.BENCH_DATABASE;
const logger = new Logger(() => () => {});
if (command === 'migrate') {
  await runMigrations({ connectionString, logger });
  process.exit(0);
}
const fast = { concurrentJobs: 96, maxPoolSize: 25, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
const prompt = { concurrentJobs: 24, maxPoolSize: 25 };
const url = new URL(process.env.BENCH_FUNCTION);
const functions = new Pool(url.origin, { connections: 96, pipelining: 1 });
await run({
  preset: { worker: { connectionString, logger, ...(mode === 'latency' ? prompt : fast) } },
  taskList: {
    async noop(payload) {
      const { statusCode, body } = await functions.request({
        path: url.pathname, method: 'POST',
        headers: { 'content-type': 'application/json' }, body: JSON.stringify(payload),
      });
      await body.dump();
      if (statusCode !== 200) throw new Error(`HTTP ${statusCode}`);
    },
  },
});
console.log('ready');
