// SPDX-License-Identifier: Apache-2.0
//
// Brings the packages that package-lock.json names into DIR/node_modules, each checked against the lock's
// hash. Without npm, which Debian splits into hundreds of packages; nothing of theirs is run here.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const REGISTRY = (process.env.npm_config_registry ?? 'https://registry.npmjs.org').replace(/\/$/, '');

export class Unreachable extends Error {}

async function bytesOf(url) {
    let answer, body;
    try {
        answer = await fetch(url, { signal: AbortSignal.timeout(60_000) });
        body = await answer.arrayBuffer(); // which may stop on its way, too
    } catch (fault) {
        throw new Unreachable(`${url}: ${fault.cause?.message ?? fault.message}`);
    }
    if (!answer.ok) throw new Unreachable(`${url}: status ${answer.status}`);
    return Buffer.from(body);
}

async function bring(into, path, { version, integrity }) {
    const name = path.replace(/^.*node_modules\//, '');
    const url = `${REGISTRY}/${name}/-/${name.replace(/^.*\//, '')}-${version}.tgz`;
    const bytes = await bytesOf(url);
    const [algorithm, wanted] = integrity.split(/-(.*)/);
    const found = createHash(algorithm).update(bytes).digest('base64');
    if (found !== wanted) throw new Error(`${url}: ${found} is not what the lock says`);
    mkdirSync(`${into}/${path}`, { recursive: true });
    const tar = spawnSync('tar', ['-xz', '--strip-components=1', '-C', `${into}/${path}`], { input: bytes });
    if (tar.status !== 0) throw new Error(`${url}: ${tar.stderr}`);
}

// Returns a function that imports a file of theirs. What was brought once is kept for as long as the lock and
// this file stay as they are.
export async function packages(dir) {
    const text = readFileSync(new URL('package-lock.json', import.meta.url));
    const how = readFileSync(new URL(import.meta.url));
    const kept = `${dir}/${createHash('sha256').update(text).update(how).digest('hex').slice(0, 16)}`;
    if (!existsSync(kept)) await bringAll(kept, JSON.parse(text).packages);
    return (file) => import(pathToFileURL(`${kept}/node_modules/${file}`));
}

// Two tests may bring the same packages at once: the first to end wins, and the other's are as good as its.
function settle(half, kept) {
    try {
        renameSync(half, kept);
    } catch (fault) {
        if (!existsSync(kept)) throw fault;
    }
}

async function bringAll(kept, all) {
    const half = `${kept}.${process.pid}`;
    try {
        const wanted = Object.entries(all).filter(([path]) => path);
        await Promise.all(wanted.map(([path, about]) => bring(half, path, about)));
        settle(half, kept);
    } finally {
        rmSync(half, { recursive: true, force: true });
    }
}
