import type { ConnectRouter, ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { approvalHandlers } from '#server/features/approvals/handlers.ts';
import { artifactHandlers } from '#server/features/artifacts/handlers.ts';
import { uploadHandlers } from '#server/features/artifacts/upload-handlers.ts';
import { reportHandlers } from '#server/features/deliveries/handlers.ts';
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

/** Every service with its handlers, put together from the features. A method without a handler does not compile. */
export const routes = (app: AppContext) => (router: ConnectRouter) => {
  router
    .service(services.ArtifactService, uploadHandlers(app))
    .service(services.DestinationService, destinationHandlers(app))
    .service(services.EnvironmentService, environmentHandlers(app))
    .service(services.Health, healthHandlers(app))
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
      ...reportHandlers(app),
    } satisfies ServiceImpl<typeof services.ReleaseService>)
    .service(services.ServerReflection, reflectionHandlers())
    .service(services.ServiceAccountService, serviceAccountHandlers(app))
    .service(services.SessionService, sessionHandlers(app))
    .service(services.StatusService, { status: () => app.db.ping().then(() => ({})) })
    .service(services.UsersService, usersHandlers(app));
};
