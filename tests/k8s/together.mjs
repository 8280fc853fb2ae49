// SPDX-License-Identifier: Apache-2.0
//
// What the manifests of one overlay have to agree on, and no type tells: names that point to one another,
// selectors, times, and what the namespace's restricted pods must say.

const seconds = (text) =>
    [...String(text).matchAll(/(\d+)(ms|s|m|h)/g)]
        .reduce((sum, [, n, unit]) => sum + n * { ms: 0.001, s: 1, m: 60, h: 3600 }[unit], 0);

const fits = (labels, selector) => Object.entries(selector ?? {}).every(([key, value]) => labels?.[key] === value);

// Every text below `value` that stands under one of the keys.
function* under(keys, value) {
    if (value === null || typeof value !== 'object') return;
    for (const [key, inner] of Object.entries(value)) {
        if (keys.includes(key) && typeof inner === 'string') yield inner;
        yield* under(keys, inner);
    }
}

function* podFaults(name, pod) {
    const security = pod.securityContext ?? {};
    if (security.runAsNonRoot !== true || security.seccompProfile?.type !== 'RuntimeDefault')
        yield `${name}: not restricted: runAsNonRoot and seccompProfile`;
    for (const { name: container, securityContext: own = {}, resources, volumeMounts = [] } of pod.containers) {
        if (own.allowPrivilegeEscalation !== false || !own.capabilities?.drop?.includes('ALL'))
            yield `${name}/${container}: not restricted: privileges and capabilities`;
        if (!resources?.requests?.memory || !resources?.limits?.memory) yield `${name}/${container}: no memory is said`;
        for (const mount of volumeMounts)
            if (!pod.volumes?.some((volume) => volume.name === mount.name) && name.startsWith('warrener'))
                yield `${name}/${container}: no volume ${mount.name}`;
    }
}

function* workerFaults(worker, config) {
    const pod = worker.spec.template.spec;
    const [host] = pod.containers;
    if (!(pod.terminationGracePeriodSeconds > seconds(config.drain) + 5))
        yield `grace of ${pod.terminationGracePeriodSeconds} s for a drain of ${config.drain}`;
    if (host.livenessProbe?.httpGet?.path !== '/livez' || host.readinessProbe?.httpGet?.path !== '/readyz')
        yield 'probes do not ask /livez and /readyz';
    if (host.securityContext.readOnlyRootFilesystem !== true) yield 'the root file system may be written';
    if (!pod.volumes.some((v) => v.emptyDir && host.volumeMounts.some((m) => m.name === v.name && m.mountPath === config.state)))
        yield `no emptyDir is mounted at state: ${config.state}`;
    if (!String(config.http.listen).endsWith(`:${host.ports[0].containerPort}`)) yield 'http.listen is another port';
}

export function disagreements(manifests, yaml) {
    const of = (kind) => manifests.filter((manifest) => manifest.kind === kind);
    const faults = [];
    const [worker] = of('Deployment');
    const [configMap] = of('ConfigMap');
    const config = yaml.parse(configMap.data['warrener.yaml']);
    const pods = [...of('Deployment'), ...of('StatefulSet'), ...of('Job')];
    for (const owner of pods) {
        const { labels } = owner.spec.template.metadata;
        if (!fits(labels, owner.spec.selector?.matchLabels)) faults.push(`${owner.metadata.name}: selects other pods`);
        faults.push(...podFaults(owner.metadata.name, owner.spec.template.spec));
        for (const volume of owner.spec.template.spec.volumes ?? [])
            if (volume.configMap && volume.configMap.name !== configMap.metadata.name)
                faults.push(`${owner.metadata.name}: no ConfigMap ${volume.configMap.name}`);
    }
    faults.push(...workerFaults(worker, config));
    for (const kind of ['Service', 'PodDisruptionBudget', 'PodMonitor'])
        for (const { metadata, spec } of of(kind)) {
            const selector = spec.selector.matchLabels ?? spec.selector;
            if (pods.filter((owner) => owner.kind !== 'Job' && fits(owner.spec.template.metadata.labels, selector)).length !== 1)
                faults.push(`${kind} ${metadata.name}: does not select the pods of one workload`);
        }
    for (const { metadata, spec } of of('NetworkPolicy').filter((policy) => policy.metadata.name === 'warrener'))
        for (const owner of pods)
            if (fits(owner.spec.template.metadata.labels, spec.podSelector.matchLabels) !== owner.metadata.name.startsWith('warrener'))
                faults.push(`NetworkPolicy ${metadata.name}: wrong about the pods of ${owner.metadata.name}`);
    // Where an overlay makes secrets, all that are named are made.
    const made = of('Secret').map((secret) => secret.metadata.name);
    const named = pods.flatMap(({ spec }) => [
        ...under(['secretName'], spec),
        ...spec.template.spec.containers.flatMap((c) => (c.env ?? []).map((e) => e.valueFrom?.secretKeyRef?.name)),
        ...(spec.template.spec.volumes ?? []).flatMap((v) => (v.projected?.sources ?? []).map((s) => s.secret?.name)),
    ]).filter(Boolean);
    for (const name of made.length ? named : []) if (!made.includes(name)) faults.push(`no Secret ${name}`);
    const queues = config.consumers.map((consumer) => consumer.queue).sort().join();
    for (const { spec } of of('ScaledObject')) {
        if (spec.scaleTargetRef.name !== worker.metadata.name) faults.push('ScaledObject: scales something else');
        if (worker.spec.replicas !== undefined) faults.push('replicas are said, and are KEDA\'s');
        if (spec.triggers.map((trigger) => trigger.metadata.queueName).sort().join() !== queues)
            faults.push(`ScaledObject: its queues are not the consumers' ${queues}`);
        for (const { metadata, authenticationRef } of spec.triggers) {
            if (metadata.protocol !== 'http' || metadata.excludeUnacknowledged !== 'false')
                faults.push('ScaledObject: asks otherwise than for all messages over http');
            if (!of('TriggerAuthentication').some((auth) => auth.metadata.name === authenticationRef.name))
                faults.push(`no TriggerAuthentication ${authenticationRef.name}`);
        }
    }
    return faults;
}
