// Plays songs in Chromium with hls.js, as a web player would, and says what happened as JSON.
//
//   node play.mjs '{"songs": [{"name": "...", "url": "...master.m3u8", "capture": false, "rate": 44100}], "listen": 20}'
//
// Each song: the first seconds, a forced change between AAC rungs, a seek to 10 s before the end, `ended`.
// With "capture" it is played from start to end instead, and what WebAudio heard is written to "capture".
import http from 'node:http';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { require, resolve } from './modules.mjs';

const { chromium } = require('playwright-core');
const job = JSON.parse(process.argv[2]);

const worklet = `
class Tap extends AudioWorkletProcessor {
  process(inputs) {
    const input = inputs[0];
    if (input.length) this.port.postMessage(input.map((c) => c.slice()));
    return true;
  }
}
registerProcessor('tap', Tap);`;

const page_html = `<!doctype html><title>player</title><audio id="a"></audio><script src="/hls.js"></script>`;
const hls = fs.readFileSync(path.join(path.dirname(resolve('hls.js/package.json')), 'dist/hls.js'));
const server = http.createServer((request, response) => {
  const answer = { '/': ['text/html', page_html], '/hls.js': ['text/javascript', hls], '/tap.js': ['text/javascript', worklet] };
  const [type, body] = answer[request.url] ?? ['text/plain', ''];
  response.writeHead(body ? 200 : 404, { 'content-type': type });
  response.end(body);
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const origin = `http://127.0.0.1:${server.address().port}`;

const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'segue-chromium-'));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.SEGUE_TEST_CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: [
    '--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--disable-background-networking', '--disable-quic',
    '--disable-component-update', '--disable-sync', '--no-first-run', '--disable-gpu', '--disable-background-timer-throttling',
    '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows',
  ],
});

async function play(song) {
  const page = await context.newPage();
  const requests = [];
  page.on('response', (r) => requests.push([r.status(), r.url()]));
  await page.goto(origin);
  const report = await page.evaluate(run, { song, listen: job.listen ?? 20 });
  if (song.capture) {
    const channels = report.channels;
    delete report.channels;
    fs.writeFileSync(song.capture, Buffer.from(channels, 'base64'));
  }
  report.bad_requests = requests.filter(([status]) => status >= 300).map(([status, url]) => `${status} ${url.slice(-60)}`);
  await page.close();
  return { name: song.name, ...report };
}

// Runs in the page.
async function run({ song, listen }) {
  const audio = document.getElementById('a');
  const errors = [];
  const report = { errors, switched: false, ended: false, duration: 0, positions: [] };
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const until = async (what, test, ms) => {
    for (let spent = 0; !test(); spent += 50) {
      if (spent > ms) throw new Error(`waited ${ms} ms for ${what} at ${audio.currentTime} of ${audio.duration}`);
      await wait(50);
    }
  };
  const player = new Hls({ startLevel: 0, maxBufferLength: 30 });
  player.on(Hls.Events.ERROR, (_, e) => {
    // The player gave up a fetch of its own, to take a smaller rung on a busy machine; what a server does wrong has other names.
    if (e.details === Hls.ErrorDetails.INTERNAL_ABORTED && !e.fatal) return;
    errors.push(`${e.type} ${e.details} fatal=${e.fatal} ${e.reason ?? ''}`);
  });
  player.loadSource(song.url);
  player.attachMedia(audio);
  await new Promise((done, fail) => {
    player.on(Hls.Events.MANIFEST_PARSED, done);
    setTimeout(() => fail(new Error('no manifest')), 15000);
  });
  const aac = player.levels.map((l, i) => [l, i]).filter(([l]) => (l.audioCodec ?? '').startsWith('mp4a')).map(([, i]) => i);
  report.levels = player.levels.map((l) => l.audioCodec);
  try {
    if (song.capture) {
      const sound = new AudioContext({ sampleRate: song.rate });
      await sound.audioWorklet.addModule('/tap.js');
      const tap = new AudioWorkletNode(sound, 'tap');
      sound.createMediaElementSource(audio).connect(tap);
      const mute = sound.createGain();
      mute.gain.value = 0;
      tap.connect(mute).connect(sound.destination);
      const blocks = [];
      tap.port.onmessage = (m) => blocks.push(m.data);
      await sound.resume();
      player.currentLevel = aac[aac.length - 1];
      await until('a buffer', () => audio.buffered.length && audio.buffered.end(0) > 5, 15000);
      await audio.play();
      await until('the end', () => audio.ended, 1000 * 60);
      await wait(500);
      // Interleaved float 32, mono doubled when the tap heard one channel.
      const frames = blocks.reduce((n, b) => n + b[0].length, 0);
      const all = new Float32Array(frames * 2);
      let at = 0;
      for (const b of blocks) {
        for (let i = 0; i < b[0].length; i++) {
          all[at++] = b[0][i];
          all[at++] = (b[1] ?? b[0])[i];
        }
      }
      const bytes = new Uint8Array(all.buffer);
      let text = '';
      for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
      report.channels = btoa(text);
    } else {
      await audio.play();
      const half = Math.min(listen, Math.max(audio.duration - 12, 1)) / 2;
      await until('the first seconds', () => audio.currentTime > half, (half + 20) * 1000);
      report.positions.push(audio.currentTime);
      if (aac.length > 1) {
        const heard = [];
        player.on(Hls.Events.LEVEL_SWITCHED, (_, e) => heard.push(e.level));
        const other = aac.find((l) => l !== player.currentLevel) ?? aac[aac.length - 1];
        player.currentLevel = other;
        await until('the other rung', () => heard.includes(other), 15000);
        report.switched = true;
      }
      await until('listening', () => audio.currentTime > 2 * half, (half + 20) * 1000);
      report.positions.push(audio.currentTime);
      audio.currentTime = audio.duration - 10;
      await until('the end', () => audio.ended, 30000);
    }
    report.ended = audio.ended;
  } catch (error) {
    errors.push(String(error));
  }
  report.duration = audio.duration;
  player.destroy();
  return report;
}

const reports = [];
const queue = [...job.songs];
const parallel = job.parallel ?? 3;
await Promise.all(Array.from({ length: parallel }, async () => {
  for (let song = queue.shift(); song; song = queue.shift()) {
    reports.push(await play(song).catch((e) => ({ name: song.name, errors: [String(e)] })));
  }
}));
await context.close();
server.close();
fs.rmSync(profile, { recursive: true, force: true });
console.log(JSON.stringify(reports));
