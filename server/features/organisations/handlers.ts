import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import type { OrganisationService } from '#server/gen/forest/v1/organisations_pb.ts';
import { pageOf } from '#server/wire/pages.ts';
import { callerOf, organisationOf } from '#server/wire/scopes.ts';
import { joinRuleToWire, memberToWire, organisationToWire, roleFromWire } from './convert.ts';
import * as joinRules from './join-rules-service.ts';
import * as organisations from './service.ts';

/** OrganisationService: organisations, their members and roles, and the rules by which new users join. */
export const organisationHandlers = (app: AppContext): ServiceImpl<typeof OrganisationService> => ({
  async createOrganisation({ name }, context) {
    const { organisationId } = await organisations.createOrganisation(app, callerOf(context), name);
    return { organisationId };
  },

  async getOrganisation(_request, context) {
    const organisation = await organisations.getOrganisation(app, organisationOf(context));
    return { organisation: organisationToWire(organisation) };
  },

  async updateOrganisation({ fileRetentionDays }, context) {
    const change = { fileRetentionDays };
    const scope = organisationOf(context);
    const organisation = await organisations.updateOrganisation(app, callerOf(context), scope, change);
    return { organisation: organisationToWire(organisation) };
  },

  async listMyOrganisations({ role }, context) {
    const filter = role === '' ? '' : roleFromWire(role);
    const memberships = await organisations.listCountedMemberships(app, callerOf(context).userId, filter);
    return {
      organisations: memberships.map(organisationToWire),
      roles: memberships.map((m) => m.role),
      counts: memberships.map(({ counts: { projects, failed } }) => ({ projects, failed })),
    };
  },

  async listMembers(request, context) {
    const page = pageOf(request, ['text']);
    const { rows, ...rest } = await organisations.listMembers(app, organisationOf(context), page);
    return { members: rows.map(memberToWire), ...rest };
  },

  async addMember({ userId, role }, context) {
    const added = { userId, role: roleFromWire(role) };
    const member = await organisations.addMember(app, callerOf(context), organisationOf(context), added);
    return { member: memberToWire(member) };
  },

  async removeMember({ userId, revokeCreatedTokens }, context) {
    const removal = { userId, revokeCreatedTokens };
    await organisations.removeMember(app, callerOf(context), organisationOf(context), removal);
    return {};
  },

  async leaveOrganisation({ revokeCreatedTokens }, context) {
    const caller = callerOf(context);
    const removal = { userId: caller.userId, revokeCreatedTokens };
    await organisations.removeMember(app, caller, organisationOf(context), removal);
    return {};
  },

  async updateMemberRole({ userId, role, revokeCreatedTokens }, context) {
    const scope = organisationOf(context);
    const change = { userId, role: roleFromWire(role), revokeCreatedTokens };
    const member = await organisations.updateMemberRole(app, callerOf(context), scope, change);
    return { member: memberToWire(member) };
  },

  async listJoinRules(_request, context) {
    const rules = await joinRules.listJoinRules(app, organisationOf(context));
    return { joinRules: rules.map(joinRuleToWire) };
  },

  async createJoinRule(request, context) {
    const rule = await joinRules.createJoinRule(app, callerOf(context), organisationOf(context), request);
    return { joinRule: joinRuleToWire(rule) };
  },

  async deleteJoinRule({ joinRuleId }, context) {
    await joinRules.deleteJoinRule(app, callerOf(context), organisationOf(context), joinRuleId);
    return {};
  },
});
