import { createContext } from 'preact';
import { useContext, useState } from 'preact/hooks';

export interface Operation {
  /** Missing where actions are not allowed. */
  readonly run: ((action: string, query: Record<string, string>) => Promise<void>) | undefined;
  readonly inspect: (namespace: string, key: string) => void;
}

export const Operating = createContext<Operation>({ run: undefined, inspect: () => undefined });

export interface ActionProps {
  readonly action: string;
  readonly query: Record<string, string>;
  /** What is lost by it; asked back where given. */
  readonly sure?: string;
  readonly label?: string;
  readonly children: string;
  readonly onDone?: () => void;
}

/** Not there where actions are not allowed. */
export function ActionButton({ action, query, sure, label, children, onDone }: ActionProps) {
  const { run } = useContext(Operating);
  const [running, setRunning] = useState(false);
  if (!run) return null;
  const go = async (): Promise<void> => {
    if (sure !== undefined && !confirm(sure)) return;
    setRunning(true);
    try {
      await run(action, query);
      onDone?.();
    } finally {
      setRunning(false);
    }
  };
  return (
    <button
      class={sure === undefined ? '' : 'danger'}
      disabled={running}
      aria-label={label}
      onClick={() => void go()}
    >
      {children}
    </button>
  );
}
