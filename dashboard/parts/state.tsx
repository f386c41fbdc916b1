/** Of a connection, or of what is at its other end. */
export function State({ state }: { state: string }) {
  return (
    <span class="state" data-state={state}>
      {state}
    </span>
  );
}
