// Uses the gateway from Node over gRPC-Web, with generated descriptors from reflection's own descriptor set.
//
//   node web.mjs '{"url": "http://127.0.0.1:4420", "email": "...", "password": "...", "descriptors": "file", "song": "id"}'
import fs from 'node:fs';
import { require } from './modules.mjs';

const { createClient, ConnectError, Code } = require('@connectrpc/connect');
const { createGrpcWebTransport } = require('@connectrpc/connect-node');
const { createFileRegistry, fromBinary } = require('@bufbuild/protobuf');
const { FileDescriptorSetSchema } = require('@bufbuild/protobuf/wkt');

const job = JSON.parse(process.argv[2]);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, fs.readFileSync(job.descriptors)));
const service = (name) => registry.getService(name);
const report = {};

for (const httpVersion of ['1.1', '2']) {
  let token = '';
  const auth = (next) => (request) => {
    if (token) request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
  const transport = createGrpcWebTransport({ baseUrl: job.url, httpVersion, interceptors: [auth] });
  const identity = createClient(service('segue.identity.v1.IdentityService'), transport);
  const songs = createClient(service('segue.song.v1.SongService'), transport);

  const seen = (report[httpVersion] = {});
  try {
    await songs.listSongs({});
  } catch (error) {
    seen.anonymous = Code[ConnectError.from(error).code];
  }
  const signedIn = await identity.signIn({ email: job.email, password: job.password, device: 'node' });
  token = signedIn.tokens.accessToken;
  seen.email = (await identity.getMe({})).user.email;
  seen.title = (await songs.getSong({ songId: job.song })).song.title;
  seen.master_url = (await songs.getPlayback({ songId: job.song })).masterUrl;
  seen.watched = [];
  for await (const answer of songs.watchSong({ songId: job.song })) seen.watched.push(answer.song.state);
  try {
    await songs.getSong({ songId: 'nonsense' });
  } catch (error) {
    const e = ConnectError.from(error);
    seen.bad = { code: Code[e.code], message: e.rawMessage, details: e.details.map((d) => d.type) };
  }
}
console.log(JSON.stringify(report));
