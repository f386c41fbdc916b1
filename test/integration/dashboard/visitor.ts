import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { dashboardHandler, type DashboardHandler, type DashboardOptions } from 'tiercel/dashboard';
import type { CacheManager } from 'tiercel';

/** A dashboard that is served on loopback. */
export class MountedDashboard implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async of(cache: CacheManager, options?: DashboardOptions): Promise<MountedDashboard> {
    return MountedDashboard.mount(dashboardHandler(cache, options));
  }

  static async mount(handler: DashboardHandler): Promise<MountedDashboard> {
    return MountedDashboard.behind(createServer(handler));
  }

  /** @param server - which has it mounted, and does not listen yet. */
  static async behind(server: Server): Promise<MountedDashboard> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new MountedDashboard(server);
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  dropConnections(): void {
    this.#server.closeAllConnections();
  }

  /** Sends exactly these headers, also those that a browser or `fetch` would not let one choose. */
  async ask(
    path: string,
    options: { method?: string; headers?: Record<string, string> } = {},
  ): Promise<Asked> {
    const request = httpRequest({ host: '127.0.0.1', port: this.port, path, agent: false, ...options });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      text: Buffer.concat(chunks).toString(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

export interface Asked {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}
