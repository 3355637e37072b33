// Loaded before Azurite (`node --require`), which keeps its metadata in memory and saves it every 5 s: after kill -9
// it would have lost writes that it had acknowledged, as the real service never does. Here an answer to a write waits
// until both of its databases are saved; answers that come meanwhile share the next save.
'use strict';
const http = require('node:http');
const { createRequire } = require('node:module');
// The same copy of lokijs that Azurite gets: this file may lie anywhere.
const Loki = createRequire(require.resolve(process.argv[1]))('lokijs');

// A database is loaded when there is a file of it; the first start has none, and saves it instead.
const databases = new Set();
for (const name of ['loadDatabase', 'saveDatabase']) {
  const method = Loki.prototype[name];
  Loki.prototype[name] = function (...args) {
    databases.add(this);
    return method.apply(this, args);
  };
}

const save = (database) => new Promise((saved) => database.saveDatabase(saved));
const end = http.ServerResponse.prototype.end;
http.ServerResponse.prototype.end = function (...args) {
  if (['GET', 'HEAD', 'OPTIONS'].includes(this.req.method)) return end.apply(this, args);
  Promise.all([...databases].map(save)).then(() => end.apply(this, args));
  return this;
};
