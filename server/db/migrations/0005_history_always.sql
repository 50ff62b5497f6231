-- Append-only also in a session that is set to be a replica, for which ordinary triggers are silent.
alter table history enable always trigger history_append_only;
alter table history enable always trigger history_no_truncate;
