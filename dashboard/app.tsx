import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { count, clock, time } from './format.js';
import { useLive, type Line } from './live.js';
import { Charts } from './parts/charts.jsx';
import { ClusterNodes } from './parts/cluster-nodes.jsx';
import { Errors } from './parts/errors.jsx';
import { HotKeys } from './parts/hot-keys.jsx';
import { Inspector, type Asked } from './parts/inspector.jsx';
import { Namespaces } from './parts/namespaces.jsx';
import { Operating } from './parts/operate.jsx';
import { Preloads } from './parts/preloads.jsx';
import { Queues } from './parts/queues.jsx';
import { Servers } from './parts/servers.jsx';
import { Tiles } from './parts/tiles.jsx';
import { act, ask, logOut, type Session } from './server.js';

const LINES: Record<Line, string> = {
  connecting: 'Connecting',
  live: 'Live',
  lost: 'No connection to the application; trying again',
  paused: 'Paused',
};

export function App() {
  const [paused, setPaused] = useState(false);
  const [session, setSession] = useState<Session>();
  const [said, say] = useState('');
  const [asked, setAsked] = useState<Asked>();
  const { line, frame, history } = useLive(paused);

  // A restarted application has another token for its pages.
  useEffect(() => {
    if (line === 'live') ask<Session>('session').then(setSession, () => undefined);
  }, [line]);

  const run = useCallback(
    async (action: string, query: Record<string, string>) => {
      if (!session) return;
      say('');
      say(await act(session, action, query).catch((error: Error) => `Not done: ${error.message}`));
    },
    [session],
  );
  const inspect = useCallback((namespace: string, key: string) => {
    setAsked({ namespace, key });
    document.querySelector('#inspector')?.scrollIntoView();
    document.querySelector<HTMLElement>('#inspector h2')?.focus();
  }, []);
  const operating = useMemo(
    () => ({ run: session?.actions ? run : undefined, inspect }),
    [session, run, inspect],
  );

  return (
    <Operating.Provider value={operating}>
      <a class="skip" href="#content">
        Skip to the figures
      </a>
      <header>
        <h1>
          <img src="./icon.svg" alt="" width="26" height="26" /> Tiercel
        </h1>
        <p class="line" role="status" data-line={line}>
          <i aria-hidden="true" /> {LINES[line]}
        </p>
        {frame && (
          <p class="quiet since">
            counting since {clock(frame.snapshot.since)}, {time(frame.snapshot.at - frame.snapshot.since)}
            {frame.snapshot.processes > 1 && `, ${count(frame.snapshot.processes)} processes`}
          </p>
        )}
        <span class="buttons">
          <button aria-pressed={paused} onClick={() => setPaused(!paused)}>
            Pause
          </button>
          {session?.login && <button onClick={() => void logOut()}>Log out</button>}
        </span>
      </header>
      <div class="said" role="status">
        {said !== '' && (
          <p class="notice">
            {said} <button onClick={() => say('')}>Close</button>
          </p>
        )}
      </div>
      <main id="content" tabIndex={-1}>
        {frame?.state !== undefined && <StateNotice state={frame.state} />}
        {frame ? (
          <>
            <section aria-labelledby="now">
              <h2 id="now" class="unseen">
                Now
              </h2>
              <Tiles snapshot={frame.snapshot} />
              <Charts history={history} latency={frame.snapshot.latency} />
            </section>
            <div class="columns">
              <HotKeys hotKeys={frame.snapshot.hotKeys} known={frame.namespaces} />
              <Servers frame={frame} />
            </div>
            {frame.nodes && <ClusterNodes nodes={frame.nodes} />}
            <Namespaces frame={frame} />
            <Inspector namespaces={frame.namespaces} asked={asked} />
            <Queues queues={frame.queues} named={frame.snapshot.named.counters} />
            <Preloads preloads={frame.preloads} />
            <Errors snapshot={frame.snapshot} />
          </>
        ) : (
          <p class="empty">Waiting for the first figures.</p>
        )}
      </main>
      <footer class="quiet">
        Figures of one process, once a second.{' '}
        {session && !session.actions && 'Read-only: actions are not allowed here.'}
      </footer>
    </Operating.Provider>
  );
}

const STATES: Readonly<Record<string, string>> = {
  connecting: 'Redis: the first connection is under way.',
  silent:
    'Redis does not answer. Nothing is asked of it until it speaks; reads come from memory or are loaded.',
  lost: 'Redis cannot be reached. It is being sought; reads come from memory or are loaded.',
  degraded: 'Some of the Redis servers cannot be reached. Keys of the others are served as ever.',
  closed: 'The cache was closed.',
};

/** Said once, when it begins. */
function StateNotice({ state }: { state: string }) {
  const text = STATES[state];
  return (
    <div role="status" class="outage">
      {text !== undefined && (
        <p
          class={state === 'connecting' || state === 'closed' ? 'notice' : 'notice bad'}
          data-testid="outage"
        >
          {text}
        </p>
      )}
    </div>
  );
}
