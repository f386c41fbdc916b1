import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { TlsFiles } from './redis-config.js';

/*
 * Node signs but does not make certificates, and a key in the repository would expire and alarm scanners. A self-signed
 * certificate is little DER (RFC 5280, section 4.1): a few nested tag-length-value triples.
 */

const tags = { boolean: 0x01, integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, utf8: 0x0c, time: 0x18 };
const sequenceTag = 0x30;
const setTag = 0x31;

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(body.length);
  const significant = body.length < 0x100 ? length.subarray(1) : length;
  return Buffer.concat([Buffer.from([tag, 0x80 | significant.length]), significant, body]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(sequenceTag, ...parts);
/** An object identifier, already encoded. */
const oid = (hex: string): Buffer => der(tags.oid, Buffer.from(hex, 'hex'));
/** A tag of the context, such as `[3]`, around what it holds. */
const context = (number: number, ...parts: readonly Buffer[]): Buffer => der(0xa0 | number, ...parts);
/** A bit string with no unused bits. */
const bits = (body: Buffer): Buffer => der(tags.bits, Buffer.from([0]), body);

function time(date: Date): Buffer {
  const text = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return der(tags.time, Buffer.from(text));
}

function pem(label: string, body: Buffer): string {
  const lines = body.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
const commonName = '550403';
const subjectAltName = '551d11';
const basicConstraints = '551d13';

/** A fresh self-signed certificate for 127.0.0.1 and localhost, valid from yesterday for 30 days; `ca` is itself. */
export function createCertificate(): TlsFiles {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const day = 86_400_000;
  const name = sequence(der(setTag, sequence(oid(commonName), der(tags.utf8, Buffer.from('localhost')))));
  const altNames = sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])));
  const isAuthority = sequence(der(tags.boolean, Buffer.from([0xff])));
  const serial = Buffer.concat([Buffer.from([0x01]), randomBytes(15)]);
  const toSign = sequence(
    context(0, der(tags.integer, Buffer.from([2]))),
    der(tags.integer, serial),
    ecdsaWithSha256,
    name,
    sequence(time(new Date(Date.now() - day)), time(new Date(Date.now() + 29 * day))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    context(
      3,
      sequence(
        sequence(oid(subjectAltName), der(tags.octets, altNames)),
        sequence(oid(basicConstraints), der(tags.octets, isAuthority)),
      ),
    ),
  );
  const cert = pem(
    'CERTIFICATE',
    sequence(toSign, ecdsaWithSha256, bits(sign('sha256', toSign, privateKey))),
  );
  return { cert, key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })), ca: cert };
}
