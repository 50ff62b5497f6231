import type { Interceptor, Transport } from '@connectrpc/connect';
import {
  type ConnectTransportOptions,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';

type Options = Pick<ConnectTransportOptions, 'sendCompression' | 'compressMinBytes' | 'useHttpGet'> & {
  /** Headers of each request. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly nodeOptions?: { readonly ca: Buffer };
};

const withHeaders =
  (headers: Options['headers'] = {}): Interceptor =>
  (next) =>
  (request) => {
    for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
    return next(request);
  };

const grpc = (baseUrl: string, { headers, ...options }: Options = {}): Transport =>
  createGrpcTransport({ baseUrl, interceptors: [withHeaders(headers)], ...options });
const grpcWeb =
  (httpVersion: '1.1' | '2') =>
  (baseUrl: string, { headers, ...options }: Options = {}): Transport =>
    createGrpcWebTransport({ baseUrl, httpVersion, interceptors: [withHeaders(headers)], ...options });
const connect =
  (httpVersion: '1.1' | '2', useBinaryFormat = true) =>
  (baseUrl: string, { headers, ...rest }: Options = {}): Transport => {
    const options = { useBinaryFormat, interceptors: [withHeaders(headers)], ...rest };
    return createConnectTransport({ baseUrl, httpVersion, ...options });
  };

/** Transports of all protocols by their names, for a server's URL. */
export const PROTOCOLS = {
  gRPC: grpc,
  'gRPC-web over HTTP/1.1': grpcWeb('1.1'),
  'gRPC-web over HTTP/2': grpcWeb('2'),
  'Connect over HTTP/1.1': connect('1.1'),
  'Connect over HTTP/2': connect('2'),
  'Connect in JSON over HTTP/2': connect('2', false),
};
