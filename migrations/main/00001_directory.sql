-- The router's own tables in the main database: which installation this is, which clusters belong to it,
-- and which of them holds each of the 4096 slots.

-- +goose Up
CREATE TABLE linkspan_main.installation (
    only_row   smallint    PRIMARY KEY DEFAULT 1,
    id         uuid        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT installation_only_row CHECK (only_row = 1)
);

COMMENT ON TABLE linkspan_main.installation IS 'The one installation that this main database directs. One row, written by the first start and never changed.';
COMMENT ON COLUMN linkspan_main.installation.only_row IS 'Always 1: keeps the table at one row.';
COMMENT ON COLUMN linkspan_main.installation.id IS 'Random id that every shard repeats in its identity row, so that a shard of another installation is refused.';
COMMENT ON COLUMN linkspan_main.installation.created_at IS 'When the installation was first started.';

CREATE TABLE linkspan_main.cluster (
    name          text        PRIMARY KEY,
    registered_at timestamptz NOT NULL DEFAULT now(),
    joined_at     timestamptz,
    CONSTRAINT cluster_name CHECK (char_length(name) BETWEEN 1 AND 63)
);

COMMENT ON TABLE linkspan_main.cluster IS 'The shard clusters of this installation. A DSN is configuration and is never stored.';
COMMENT ON COLUMN linkspan_main.cluster.name IS 'Name of the cluster, 1 to 63 characters, as in the configuration and in the identity row of the cluster itself.';
COMMENT ON COLUMN linkspan_main.cluster.registered_at IS 'When a start first named the cluster.';
COMMENT ON COLUMN linkspan_main.cluster.joined_at IS 'When its identity and its first owned slots stood on the cluster itself. NULL: registration has begun and any start may finish it. Set: a cluster without identity has lost its data.';

CREATE TABLE linkspan_main.slot (
    slot    smallint PRIMARY KEY,
    cluster text     NOT NULL,
    epoch   bigint   NOT NULL DEFAULT 1,
    state   text     NOT NULL DEFAULT 'SETTLED',
    CONSTRAINT slot_range   CHECK (slot BETWEEN 0 AND 4095),
    CONSTRAINT slot_epoch   CHECK (epoch >= 1),
    CONSTRAINT slot_state   CHECK (state IN ('SETTLED', 'MOVING')),
    CONSTRAINT slot_cluster FOREIGN KEY (cluster) REFERENCES linkspan_main.cluster (name)
);

COMMENT ON TABLE linkspan_main.slot IS 'Where each of the 4096 slots lives: dealt once by rendezvous hashing, then this table is the truth. Changes only when a slot moves.';
COMMENT ON COLUMN linkspan_main.slot.slot IS 'Number of the slot, 0 to 4095.';
COMMENT ON COLUMN linkspan_main.slot.cluster IS 'Cluster that owns the slot.';
COMMENT ON COLUMN linkspan_main.slot.epoch IS 'Counts the owners: 1 when dealt, one more with each move. Of two claims about a slot the one with the higher epoch holds.';
COMMENT ON COLUMN linkspan_main.slot.state IS 'SETTLED: nothing is going on. MOVING: a mover copies the slot away; cluster stays the owner until epoch rises.';

-- +goose Down
DROP TABLE linkspan_main.slot;
DROP TABLE linkspan_main.cluster;
DROP TABLE linkspan_main.installation;
