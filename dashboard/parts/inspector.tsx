import { useContext, useEffect, useState } from 'preact/hooks';
import type { InspectedEntry } from '../../src/dashboard/inside.js';
import { bytes, time } from '../format.js';
import { ask } from '../server.js';
import { ActionButton, Operating } from './operate.jsx';

export interface Asked {
  readonly namespace: string;
  readonly key: string;
}

type Found = Asked & { readonly entry?: InspectedEntry; readonly error?: string };

/** What is under one key. Looking counts as a read. */
export function Inspector({
  namespaces,
  asked,
}: {
  namespaces: readonly string[];
  asked: Asked | undefined;
}) {
  const [namespace, setNamespace] = useState<string>();
  const [key, setKey] = useState('');
  const [tag, setTag] = useState('');
  const [found, setFound] = useState<Found>();
  const chosen = namespace ?? namespaces[0] ?? '';

  const look = (what: Asked): void => {
    ask<InspectedEntry>('entry', { ...what }).then(
      (entry) => setFound({ ...what, entry }),
      (error: Error) => setFound({ ...what, error: error.message }),
    );
  };
  useEffect(() => {
    if (!asked) return;
    setNamespace(asked.namespace);
    setKey(asked.key);
    look(asked);
  }, [asked]);

  return (
    <section class="card" id="inspector" aria-labelledby="inspect">
      <h2 id="inspect" tabIndex={-1}>
        Key inspector
      </h2>
      <form
        class="fields"
        onSubmit={(event) => {
          event.preventDefault();
          look({ namespace: chosen, key });
        }}
      >
        <label>
          Namespace
          <select value={chosen} onChange={(event) => setNamespace(event.currentTarget.value)}>
            {namespaces.map((name) => (
              <option key={name} value={name}>
                {name === '' ? '(bare keys)' : name}
              </option>
            ))}
          </select>
        </label>
        <label class="wide">
          Key, without the namespace
          <input
            value={key}
            required
            spellcheck={false}
            autocomplete="off"
            placeholder="user_profile:42"
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </label>
        <button class="primary" type="submit">
          Inspect
        </button>
      </form>
      <div aria-live="polite" data-testid="inspected">
        {found?.error !== undefined && <p class="error">{found.error}</p>}
        {found?.entry && (
          <EntryFigures
            entry={found.entry}
            namespace={found.namespace}
            name={found.key}
            onChange={() => look(found)}
          />
        )}
      </div>
      <TagForm namespace={chosen} tag={tag} setTag={setTag} />
    </section>
  );
}

function EntryFigures(props: {
  entry: InspectedEntry;
  namespace: string;
  name: string;
  onChange: () => void;
}) {
  const { entry } = props;
  const facts: Array<[string, string]> = [
    ['Answered from', entry.layer === 'memory' ? 'memory' : 'Redis'],
    ['Age', time(entry.age)],
    ['Fresh for', entry.stale ? 'stale' : time(entry.freshFor)],
    ['Redis keeps it', time(entry.ttl)],
    ['Takes in Redis', bytes(entry.bytes)],
    ['Tags', entry.tags.length === 0 ? 'none' : entry.tags.join(', ')],
    ['Redis key', entry.redisKey],
  ];
  return (
    <div class="panel">
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class="key">{value}</dd>
          </div>
        ))}
      </dl>
      <pre tabIndex={0} aria-label="Value" data-testid="value">
        {entry.value}
      </pre>
      {entry.cut && <p class="quiet">The value is longer than what is shown.</p>}
      <ActionButton
        action="delete"
        query={{ namespace: props.namespace, key: props.name }}
        sure={`Remove ${props.name}, for all processes?`}
        onDone={props.onChange}
      >
        Remove
      </ActionButton>
    </div>
  );
}

/** Not there where actions are not allowed. */
function TagForm(props: { namespace: string; tag: string; setTag: (tag: string) => void }) {
  const { namespace, tag, setTag } = props;
  const { run } = useContext(Operating);
  if (!run) return null;
  return (
    <div class="fields">
      <label class="wide">
        Tag in this namespace
        <input
          value={tag}
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => setTag(event.currentTarget.value)}
        />
      </label>
      <ActionButton
        action="invalidate-tag"
        query={{ namespace, tag }}
        sure={`Have nothing served any more that has the tag '${tag}'?`}
      >
        Invalidate
      </ActionButton>
    </div>
  );
}
