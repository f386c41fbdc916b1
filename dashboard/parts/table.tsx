import type { ComponentChildren } from 'preact';

export interface Column {
  readonly name: string;
  /** Right-aligned figures. */
  readonly number?: boolean;
}

/** Scrolls by itself where it is wider than the page, also by keyboard. */
export function Table(props: { label: string; columns: readonly Column[]; children: ComponentChildren }) {
  return (
    <div class="scroll" role="region" aria-label={props.label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {props.columns.map(({ name, number }) => (
              <th key={name} scope="col" class={number ? 'number' : ''}>
                {name === '' ? <span class="unseen">Actions</span> : name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  );
}

export function Bar({ share, label }: { share: number; label: string }) {
  return <meter class="bar" min={0} max={1} value={share} aria-label={label} />;
}
