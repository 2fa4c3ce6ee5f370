-- The router's own tables on a shard: which cluster this is, and which slots it owns.

-- +goose Up
CREATE TABLE linkspan_shard.identity (
    only_row     smallint    PRIMARY KEY DEFAULT 1,
    installation uuid        NOT NULL,
    cluster      text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT identity_only_row CHECK (only_row = 1),
    CONSTRAINT identity_cluster  CHECK (char_length(cluster) BETWEEN 1 AND 63)
);

COMMENT ON TABLE linkspan_shard.identity IS 'Which cluster this is. One row, written when the cluster joins and compared by every new connection, so that swapped DSNs are an error and not a mix-up.';
COMMENT ON COLUMN linkspan_shard.identity.only_row IS 'Always 1: keeps the table at one row.';
COMMENT ON COLUMN linkspan_shard.identity.installation IS 'Id of the installation that the cluster belongs to (linkspan_main.installation.id).';
COMMENT ON COLUMN linkspan_shard.identity.cluster IS 'Name of this cluster (linkspan_main.cluster.name).';
COMMENT ON COLUMN linkspan_shard.identity.created_at IS 'When the cluster joined.';

CREATE TABLE linkspan_shard.owned_slot (
    slot     smallint PRIMARY KEY,
    epoch    bigint   NOT NULL,
    state    text     NOT NULL,
    moved_to text,
    CONSTRAINT owned_slot_range    CHECK (slot BETWEEN 0 AND 4095),
    CONSTRAINT owned_slot_epoch    CHECK (epoch >= 1),
    CONSTRAINT owned_slot_state    CHECK (state IN ('ARRIVING', 'OWNED', 'FENCED', 'MOVED')),
    CONSTRAINT owned_slot_moved_to CHECK ((state = 'MOVED') = (moved_to IS NOT NULL))
);

COMMENT ON TABLE linkspan_shard.owned_slot IS 'The slots that this cluster owns or has owned. Every statement on a shard, read or write, checks its slot here with a plain read; a slot without an OWNED row is refused.';
COMMENT ON COLUMN linkspan_shard.owned_slot.slot IS 'Number of the slot, 0 to 4095.';
COMMENT ON COLUMN linkspan_shard.owned_slot.epoch IS 'Epoch of the owner that the row speaks of: of this cluster, or of moved_to once the slot is MOVED.';
COMMENT ON COLUMN linkspan_shard.owned_slot.state IS 'ARRIVING: a mover fills the slot. OWNED: served here. FENCED: a mover holds all reads and writes off. MOVED: gone, moved_to tells where; the row stays.';
COMMENT ON COLUMN linkspan_shard.owned_slot.moved_to IS 'Cluster that has the slot since epoch. Set exactly when state is MOVED.';

-- +goose Down
DROP TABLE linkspan_shard.owned_slot;
DROP TABLE linkspan_shard.identity;
