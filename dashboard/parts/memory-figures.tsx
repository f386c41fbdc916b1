import type { MemoryReport } from '../../src/report/memory-report.js';
import { bytes, count, percent } from '../format.js';
import { Bar, Table } from './table.jsx';

/** Alternatives worth a row: the rest saves less. */
const ROWS = 6;

export function MemoryFigures({ report }: { report: MemoryReport }) {
  const { total, parts, complete, kinds } = report;
  const about = complete ? '' : 'about ';
  const whole = Object.values(parts).reduce((sum, { estimatedBytes }) => sum + estimatedBytes, 0);
  const shares: Array<[name: string, bytes: number]> = [
    ['Values', parts.payloads.estimatedBytes],
    ['Headers', parts.headers.estimatedBytes],
    ['Key names', parts.keyNames.estimatedBytes],
    ['Redis itself', parts.redis.estimatedBytes],
  ];
  return (
    <>
      <p>
        <b>
          {about}
          {bytes(total.estimated.bytes)}
        </b>{' '}
        in {about}
        {count(total.estimated.keys)} keys, {count(kinds.value.estimated.keys)} of them values
        {!complete && <span class="quiet"> (estimated from {count(total.sampled.keys)} keys)</span>}
      </p>
      <div class="columns">
        <Table
          label="What the bytes are"
          columns={[{ name: 'Part' }, { name: 'Bytes', number: true }, { name: 'Share', number: true }]}
        >
          {shares.map(([name, size]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="number">{bytes(size)}</td>
              <td class="number share">
                <Bar share={whole === 0 ? 0 : size / whole} label={`Share of ${name}`} />{' '}
                <span>{percent(whole === 0 ? undefined : size / whole)}</span>
              </td>
            </tr>
          ))}
        </Table>
        {report.alternatives.length === 0 ? (
          <p class="empty">There is no value to compare ways of storing with.</p>
        ) : (
          <Table
            label="Stored otherwise"
            columns={[
              { name: 'Stored otherwise' },
              { name: 'Saves', number: true },
              { name: 'In / out', number: true },
            ]}
          >
            {report.alternatives.slice(0, ROWS).map((other) => (
              <tr key={`${other.codec} ${other.compressor}`}>
                <th scope="row">
                  {other.codec}
                  {other.compressor !== 'none' && `, ${other.compressor}`}
                  {other.refused > 0 && <span class="quiet"> refuses {count(other.refused)}</span>}
                </th>
                <td class={other.values > 0 && other.ratio < 0.995 ? 'number good-text' : 'number'}>
                  {other.values === 0 ? '–' : savings(other.ratio)}
                </td>
                <td class="number">
                  {other.values === 0
                    ? '–'
                    : `${other.encodeMicros.toFixed(1)} / ${other.decodeMicros.toFixed(1)} µs`}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </div>
    </>
  );
}

/** Differences below half a percent are within the error of the estimate. */
function savings(ratio: number): string {
  if (Math.abs(1 - ratio) < 0.005) return 'as now';
  return ratio < 1 ? percent(1 - ratio) : `costs ${percent(ratio - 1)} more`;
}
