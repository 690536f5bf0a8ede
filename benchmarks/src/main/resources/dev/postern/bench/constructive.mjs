// Constructive's published worker as its own entry starts it. One job at a time is all that it does.
import worker from '@constructive-io/knative-job-worker';
import pools from '@constructive-io/job-pg';

// It writes two lines a job; what they cost is not what is asked here.
const say = console.log;
for (const name of ['log', 'info', 'debug', 'warn']) console[name] = () => {};
const { Worker } = worker;
new Worker({ pgPool: (pools.default ?? pools).getPool(), workerId: 'bench-worker', tasks: [] }).listen();
say('ready');
