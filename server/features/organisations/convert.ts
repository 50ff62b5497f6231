import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { invalid } from '#server/failure.ts';
import type {
  JoinRuleSchema,
  OrganisationMemberSchema,
  OrganisationSchema,
} from '#server/gen/forest/v1/organisations_pb.ts';
import type { JoinRule } from './join-rules-service.ts';
import { type Member, type Organisation, type Role, retentionDays } from './service.ts';

export function roleFromWire(role: string): Role {
  if (role === 'member' || role === 'admin') return role;
  throw invalid({ field: 'role', message: `must be "member" or "admin", not "${role}"` });
}

export const organisationToWire = (o: Organisation): MessageInitShape<typeof OrganisationSchema> => ({
  organisationId: o.organisationId,
  name: o.name,
  createdAt: timestampFromDate(o.createdAt),
  fileRetentionDays: retentionDays(o),
});

export const memberToWire = (m: Member): MessageInitShape<typeof OrganisationMemberSchema> => ({
  userId: m.userId,
  username: m.username,
  role: m.role,
  joinedAt: timestampFromDate(m.joinedAt),
});

export const joinRuleToWire = (rule: JoinRule): MessageInitShape<typeof JoinRuleSchema> => ({
  joinRuleId: rule.joinRuleId,
  provider: rule.provider,
  emailDomain: rule.emailDomain,
  createdAt: timestampFromDate(rule.createdAt),
});
