// SPDX-License-Identifier: Apache-2.0
//
// node test.mjs files|overlays DIR: the manifests of k8s/ against the types of the Kubernetes API; DIR keeps
// what was brought for it. `files` takes the files as they stand, `overlays` what kustomize makes of each
// overlay, and what its parts have to agree on. Ends with 77, skipped, where the registry is out of reach, or
// there is no kustomize of version 5 (Debian 12 has none).
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { Unreachable, packages } from './packages.mjs';
import { faultsOf } from './types.mjs';
import { disagreements } from './together.mjs';

const SKIPPED = 77;
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const [form, kept] = process.argv.slice(2);

function skip(why) {
    console.log(`passed over: ${why}`);
    process.exit(SKIPPED);
}

function answerOf(command, args) {
    try {
        return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    } catch (fault) {
        return fault.code === 'ENOENT' ? '' : (fault.stdout ?? '');
    }
}

// kubectl has had kustomize 5 from 1.27 on.
function renderer() {
    if (/v5\./.test(answerOf('kubectl', ['version', '--client']))) return ['kubectl', 'kustomize'];
    if (/v?5\./.test(answerOf('kustomize', ['version']))) return ['kustomize', 'build'];
    return skip('no kubectl of 1.27 or later, and no kustomize 5');
}

function overlays() {
    const [command, verb] = renderer();
    return readdirSync(`${ROOT}k8s/overlays`).map((overlay) => ({
        name: overlay,
        text: execFileSync(command, [verb, `${ROOT}k8s/overlays/${overlay}`], { encoding: 'utf8' }),
    }));
}

// As docs/kubernetes.md makes it.
const ruleHead = 'apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: warrener}\nspec:\n';

function rules() {
    const text = readFileSync(`${ROOT}monitoring/rules.yml`, 'utf8').replace(/^/gm, '  ');
    return { name: 'monitoring/rules.yml', text: ruleHead + text };
}

function files() {
    return readdirSync(`${ROOT}k8s`, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !['kustomization.yaml', 'warrener.yaml'].includes(entry.name))
        .map((entry) => `${entry.path}/${entry.name}`)
        .map((path) => ({ name: path.slice(ROOT.length), text: readFileSync(path, 'utf8') }))
        .concat(rules());
}

// Line breaks in base64 are the renderer's, and allowed.
function tidied(manifest) {
    if (manifest.kind === 'Secret')
        for (const [key, value] of Object.entries(manifest.data ?? {})) manifest.data[key] = value.replace(/\s/g, '');
    return manifest;
}

async function test(source, from) {
    const { default: yaml } = await from('yaml/dist/index.js');
    const documents = yaml.parseAllDocuments(source.text);
    const faults = documents.flatMap((document) => document.errors.map((error) => error.message));
    const manifests = documents.map((document) => tidied(document.toJS()));
    for (const manifest of manifests)
        for (const fault of await faultsOf(manifest, from))
            faults.push(`${manifest.kind} ${manifest.metadata?.name}: ${fault}`);
    if (form === 'overlays') faults.push(...disagreements(manifests, yaml));
    for (const fault of faults) console.log(`[----] ${source.name}: ${fault}`);
    console.log(`[${faults.length ? 'FAIL' : 'PASS'}] ${source.name}: ${manifests.length} manifests`);
    return faults.length === 0;
}

const sources = form === 'overlays' ? overlays() : files();
let from;
try {
    from = await packages(kept);
} catch (fault) {
    if (!(fault instanceof Unreachable)) throw fault;
    skip(`the types are not to be had: ${fault.message}`);
}
let failing = 0;
for (const source of sources) failing += !(await test(source, from));
console.log(
    `[====] Synthesis: Tested: ${sources.length} | Passing: ${sources.length - failing} | Failing: ${failing} | Crashing: 0`,
);
process.exit(failing ? 1 : 0);
