// SPDX-License-Identifier: Apache-2.0
//
// A manifest against the types of the Kubernetes API. The validators that the packages bring find wrong
// types and missing fields, but pass over a field they do not know, as the API server's own schema does:
// so the manifest is watched while it is validated, and a field that nobody looked at is a wrong name.

// apiVersion, then where its types are and what their names begin with
const TYPES = {
    'v1': ['kubernetes-models', 'IoK8sApiCoreV1'],
    'apps/v1': ['kubernetes-models', 'IoK8sApiAppsV1'],
    'batch/v1': ['kubernetes-models', 'IoK8sApiBatchV1'],
    'networking.k8s.io/v1': ['kubernetes-models', 'IoK8sApiNetworkingV1'],
    'policy/v1': ['kubernetes-models', 'IoK8sApiPolicyV1'],
    'keda.sh/v1alpha1': ['@kubernetes-models/keda', 'ComGithubKedacoreKedaV2ApisKedaV1alpha1'],
    'monitoring.coreos.com/v1': [
        '@kubernetes-models/prometheus-operator',
        'ComGithubPrometheusOperatorPrometheusOperatorPkgApisMonitoringV1',
    ],
};

function watched(value, seen) {
    if (value === null || typeof value !== 'object') return value;
    if (!seen.has(value)) {
        const keys = new Set();
        const proxy = new Proxy(value, {
            get(target, key) {
                if (typeof key === 'string' && Object.hasOwn(target, key)) keys.add(key);
                return watched(target[key], seen);
            },
        });
        seen.set(value, { keys, proxy });
    }
    return seen.get(value).proxy;
}

function* unseen(value, seen, path) {
    if (value === null || typeof value !== 'object') return;
    for (const key of Object.keys(value)) {
        if (!Array.isArray(value) && !seen.get(value)?.keys.has(key)) yield `${path}/${key}: no such field`;
        else yield* unseen(value[key], seen, `${path}/${key}`);
    }
}

// The faults of one manifest, as texts.
export async function faultsOf(manifest, from) {
    const [where, prefix] = TYPES[manifest.apiVersion] ?? [];
    if (!where) return [`apiVersion ${manifest.apiVersion}: not one this test knows`];
    let validate;
    try {
        ({ validate } = await from(`${where}/_schemas/${prefix}${manifest.kind}.js`));
    } catch (fault) {
        return [`kind ${manifest.kind} of ${manifest.apiVersion}: ${fault.message}`];
    }
    const seen = new Map();
    if (!validate(watched(manifest, seen)))
        return validate.errors.map((e) => `${e.instancePath}: ${e.keyword} ${JSON.stringify(e.params)}`);
    return [...unseen(manifest, seen, '')];
}
