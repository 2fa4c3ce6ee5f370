package channel

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"linkspan/internal/ids"
)

// AuditHash is a SHA-256, or as many random bytes. As text it is hex.
type AuditHash [sha256.Size]byte

// NewAuditHash returns random bytes: a nonce, or what a group's first entry is chained to.
func NewAuditHash() (h AuditHash) {
	rand.Read(h[:])
	return h
}

// Next returns the hash of an entry whose text that is and that follows the one with this hash.
func (h AuditHash) Next(record string) (next AuditHash) {
	sum := sha256.New()
	sum.Write(h[:])
	sum.Write([]byte(record))
	return AuditHash(sum.Sum(nil))
}

func (h AuditHash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes the hash in JSON.
func (h AuditHash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads it: 64 hex digits in lower case, and nothing else.
func (h *AuditHash) UnmarshalText(text []byte) error {
	raw, err := hex.DecodeString(string(text))
	if err != nil || len(raw) != len(h) || string(text) != strings.ToLower(string(text)) {
		return fmt.Errorf("channel: not a hash of %d hex digits", 2*len(h))
	}
	*h = AuditHash(raw)
	return nil
}

// Text is the entry as JSON in one line: the very bytes that are hashed and stored. Its form must not change from release to release: new fields
// are left out where they say nothing.
func (e *AuditEntry) Text() string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(e); err != nil {
		panic(err) // it has nothing that JSON can't say
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// ReadAuditEntry reads the text of an entry. That the hash is right is for others to say.
func ReadAuditEntry(record string, hash AuditHash) (*AuditEntry, error) {
	e := AuditEntry{Record: record, Hash: hash}
	if err := json.Unmarshal([]byte(record), &e); err != nil {
		return nil, fmt.Errorf("channel: the text of an entry of an audit: %w", err)
	}
	return &e, nil
}

// AuditHead is where the audit of a group ends: the number and the hash of its last entry.
type AuditHead struct {
	Number int32
	Hash   AuditHash
}

// AuditGroups returns the groups that get an entry of one of the rows, each once.
func AuditGroups(sources []AuditSource) (groups []ids.Group) {
	seen := map[ids.Group]bool{}
	for i := range sources {
		for _, e := range AuditOf(&sources[i]) {
			if !seen[e.Group] {
				seen[e.Group] = true
				groups = append(groups, e.Group)
			}
		}
	}
	return groups
}

// chain makes the entries of the rows, in their order, behind the heads of all groups that they concern, which are then those after them. Where two
// groups get an entry of one row, each entry has the hash of the other group's head from before it: so neither chain can be written anew
// without the other.
func chain(sources []AuditSource, heads map[ids.Group]AuditHead) (entries []AuditEntry) {
	for i := range sources {
		made := AuditOf(&sources[i])
		if len(made) == 2 {
			for n := range made {
				hash := heads[made[1-n].Group].Hash
				made[n].PartnerHash = &hash
			}
		}
		for n := range made {
			e, head := &made[n], heads[made[n].Group]
			e.Number, e.Nonce = head.Number+1, NewAuditHash()
			e.Record = e.Text()
			e.Hash = head.Hash.Next(e.Record)
			heads[e.Group] = AuditHead{e.Number, e.Hash}
		}
		entries = append(entries, made...)
	}
	return entries
}
