package ids

import (
	"database/sql/driver"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// key is the 16 bytes of an id, stored in Postgres as a uuid.
type key uuid.UUID

// Bytes returns the 16 bytes of the id: what the shard router hashes and what is stored.
func (k key) Bytes() [16]byte { return k }

// UUID returns the id as Postgres shows it. For SQL and logs; clients see String.
func (k key) UUID() uuid.UUID { return uuid.UUID(k) }

// IsZero reports whether the id is unset.
func (k key) IsZero() bool { return k == key{} }

// Value implements [driver.Valuer]; the zero id is NULL.
func (k key) Value() (driver.Value, error) {
	if k.IsZero() {
		return nil, nil
	}
	return uuid.UUID(k).String(), nil
}

// UUIDValue implements [pgtype.UUIDValuer], so that pgx sends the 16 bytes and makes no text of them.
func (k key) UUIDValue() (pgtype.UUID, error) { return pgtype.UUID{Bytes: k, Valid: !k.IsZero()}, nil }

// ScanUUID implements [pgtype.UUIDScanner].
func (k *key) ScanUUID(v pgtype.UUID) error {
	*k = v.Bytes
	return nil
}

// Scan implements [sql.Scanner]; NULL becomes the zero id.
func (k *key) Scan(src any) error {
	if src == nil {
		*k = key{}
		return nil
	}
	if err := (*uuid.UUID)(k).Scan(src); err != nil {
		return fmt.Errorf("ids: %w", err)
	}
	return nil
}
