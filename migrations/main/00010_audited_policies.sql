-- To what a group changed its sharing policy, kept with the decision, so that its audit can tell (docs/decisions/0028-chains-that-hold-each-other.md).

-- +goose Up

ALTER TABLE linkspan_main.transition ADD COLUMN policy jsonb;
COMMENT ON COLUMN linkspan_main.transition.policy IS 'What the sharing policy said after it; null: it is about none, or was decided before this was kept.';

-- +goose Down

ALTER TABLE linkspan_main.transition DROP COLUMN policy;
