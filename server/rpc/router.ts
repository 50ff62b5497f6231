import type { ConnectRouter, ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { approvalHandlers } from '#server/features/approvals/handlers.ts';
import { artifactHandlers, uploadHandlers } from '#server/features/artifacts/handlers.ts';
import { boardHandlers } from '#server/features/board/handlers.ts';
import { comparisonHandlers } from '#server/features/comparison/handlers.ts';
import { deliveryHandlers } from '#server/features/deliveries/handlers.ts';
import { destinationHandlers } from '#server/features/destinations/handlers.ts';
import { environmentHandlers } from '#server/features/environments/handlers.ts';
import { historyHandlers } from '#server/features/history/handlers.ts';
import { identityHandlers } from '#server/features/oidc/handlers.ts';
import { organisationHandlers } from '#server/features/organisations/handlers.ts';
import { pipelineHandlers } from '#server/features/pipelines/handlers.ts';
import { policyHandlers } from '#server/features/policies/handlers.ts';
import { projectHandlers } from '#server/features/projects/handlers.ts';
import { releaseHandlers } from '#server/features/releases/handlers.ts';
import { serviceAccountHandlers } from '#server/features/service-accounts/handlers.ts';
import { sessionHandlers } from '#server/features/sessions/handlers.ts';
import { usersHandlers } from '#server/features/users/handlers.ts';
import { services } from './access-table.ts';
import { healthHandlers } from './health.ts';
import { reflectionHandlers } from './reflection.ts';

/** Larger messages are refused with `resource_exhausted` before they are read. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** The limit of services with methods that need no credentials, except `ReportRelease`, whose reports can contain a plan. */
const anonymous = { readMaxBytes: 64 * 1024 };

/** Every service with the handlers of its features. A method without a handler does not compile. */
export const routes = (app: AppContext) => (router: ConnectRouter) => {
  router
    .service(services.ArtifactService, uploadHandlers(app))
    .service(services.DestinationService, destinationHandlers(app))
    .service(services.EnvironmentService, environmentHandlers(app))
    .service(services.Health, healthHandlers(app), anonymous)
    .service(services.IdentityService, identityHandlers(app))
    .service(services.OrganisationService, organisationHandlers(app))
    .service(services.PolicyService, {
      ...policyHandlers(app),
      ...approvalHandlers(app),
      ...historyHandlers(app),
    } satisfies ServiceImpl<typeof services.PolicyService>)
    .service(services.ReleasePipelineService, pipelineHandlers(app))
    .service(services.ReleaseService, {
      ...projectHandlers(app),
      ...artifactHandlers(app),
      ...releaseHandlers(app),
      ...comparisonHandlers(app),
      ...boardHandlers(app),
      ...deliveryHandlers(app),
    } satisfies ServiceImpl<typeof services.ReleaseService>)
    .service(services.ServerReflection, reflectionHandlers(), anonymous)
    .service(services.ServiceAccountService, serviceAccountHandlers(app))
    .service(services.SessionService, sessionHandlers(app), anonymous)
    .service(services.StatusService, { status: () => app.db.ping().then(() => ({})) }, anonymous)
    .service(services.UsersService, usersHandlers(app), anonymous);
};
