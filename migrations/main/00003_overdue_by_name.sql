-- +goose Up

-- A name is freed by ending the one channel that holds it; nobody looks for all overdue invitations of a group any more.
DROP INDEX linkspan_main.invitation_overdue_of_group;

-- +goose Down

CREATE INDEX invitation_overdue_of_group ON linkspan_main.invitation (from_group_id, expires_at) WHERE state = 'PENDING';
