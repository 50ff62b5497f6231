import type { DescService } from '@bufbuild/protobuf';
import { type Client, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';

/** Clients of a server behind a proxy, which tells it the address. */
export interface Clients {
  client<Service extends DescService>(service: Service, as: { token?: string }): Client<Service>;
}

/** @param addressOf the address of each request */
export function clientsFrom(url: string, addressOf: () => string): Clients {
  return {
    client(service, { token }) {
      const headers: Interceptor = (next) => (request) => {
        request.header.set('x-forwarded-for', addressOf());
        if (token !== undefined) request.header.set('authorization', `Bearer ${token}`);
        return next(request);
      };
      return createClient(
        service,
        createConnectTransport({ baseUrl: url, httpVersion: '1.1', interceptors: [headers] }),
      );
    },
  };
}

let used = 0;
/** Another address, of another network, each time. */
export const manyAddresses = (): string => {
  used++;
  return `10.${(used >> 8) & 255}.${used & 255}.${1 + (used % 200)}`;
};
