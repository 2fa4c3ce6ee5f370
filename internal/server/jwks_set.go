package server

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/MicahParks/jwkset"
)

const (
	// HS256 is the one algorithm by which a secret signs; no key of a JWKS is ever used for it.
	HS256 = "HS256"

	// maxKeys is how many keys a JWKS may have: a token that names none is tried with all that fit it.
	maxKeys = 100
	// minRSABits and maxRSABits bound an RSA key: shorter ones are unsafe (RFC 7518, section 3.3), longer ones slow.
	minRSABits, maxRSABits = 2048, 8192
)

var (
	// JWKSAlgorithms are those by which the keys of a JWKS may sign.
	JWKSAlgorithms = []string{
		"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
	}
	// DefaultJWKSAlgorithms are those that are taken where nothing else is said.
	DefaultJWKSAlgorithms = []string{"RS256", "PS256", "ES256", "EdDSA"}
)

// publicKey is a key of a JWKS that signs tokens.
type publicKey struct {
	id         string // "": the set gives it none
	algorithms []string
	key        crypto.PublicKey
}

// is reports whether both are the same key, for the same use.
func (k *publicKey) is(other *publicKey) bool {
	same, ok := k.key.(interface{ Equal(crypto.PublicKey) bool })
	return ok && same.Equal(other.key) && k.id == other.id && slices.Equal(k.algorithms, other.algorithms)
}

// keySet is a JWKS as it was read once. It never changes.
type keySet struct {
	keys   []*publicKey
	passed []passedKey
}

// passedKey is a key of a JWKS that is passed over.
type passedKey struct {
	text string // as the set has it
	why  error
}

// parseKeySet reads a JWKS (RFC 7517, section 5). What is not for signatures by one of the algorithms, or is no good as a
// key, is passed over. A key that was in the set before is the same *publicKey again.
func parseKeySet(body []byte, algorithms []string, before *keySet) (*keySet, error) {
	var members struct {
		Keys []json.RawMessage `json:"keys"`
	}
	switch err := json.Unmarshal(body, &members); {
	case err != nil:
		return nil, fmt.Errorf("it is not a JWKS: %w", err)
	case members.Keys == nil:
		return nil, errors.New("it is not a JWKS: it has no `keys`")
	case len(members.Keys) > maxKeys:
		return nil, fmt.Errorf("it has %d keys, and at most %d are taken", len(members.Keys), maxKeys)
	}
	set := &keySet{}
	for i, raw := range members.Keys {
		key, err := parseKey(raw, algorithms)
		if err != nil {
			set.passed = append(set.passed, passedKey{string(raw), fmt.Errorf("key %d: %w", i, err)})
			continue
		}
		if known := before.index(key); known >= 0 {
			key = before.keys[known]
		}
		set.keys = append(set.keys, key)
	}
	return set, nil
}

// parseKey reads one key. Where the set has a private key, only its public half is kept.
func parseKey(raw json.RawMessage, algorithms []string) (*publicKey, error) {
	parsed, err := jwkset.NewJWKFromRawJSON(raw, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return nil, err
	}
	said := parsed.Marshal()
	if said.USE != "" && said.USE != jwkset.UseSig || len(said.KEYOPS) > 0 && !slices.Contains(said.KEYOPS, jwkset.KeyOpsVerify) {
		return nil, errors.New("it is not for signatures")
	}
	fitting, err := algorithmsOf(parsed.Key())
	if err != nil {
		return nil, err
	}
	key := &publicKey{id: said.KID, key: parsed.Key()}
	for _, algorithm := range fitting {
		if slices.Contains(algorithms, algorithm) && (said.ALG == "" || string(said.ALG) == algorithm) {
			key.algorithms = append(key.algorithms, algorithm)
		}
	}
	if key.algorithms == nil {
		return nil, fmt.Errorf("it is for none of the algorithms %v", algorithms)
	}
	return key, nil
}

// algorithmsOf are those that a key can sign by: RFC 7518, sections 3.3 to 3.5, and RFC 8037, section 3.1.
func algorithmsOf(key any) ([]string, error) {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return nil, fmt.Errorf("an RSA key of %d bits: %d to %d are taken", bits, minRSABits, maxRSABits)
		}
		return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}, nil
	case *ecdsa.PublicKey:
		switch key.Curve.Params().BitSize {
		case 256:
			return []string{"ES256"}, nil
		case 384:
			return []string{"ES384"}, nil
		case 521:
			return []string{"ES512"}, nil
		}
	case ed25519.PublicKey:
		return []string{"EdDSA"}, nil
	}
	return nil, fmt.Errorf("a key of type %T signs nothing", key)
}

// index is where the set has the key, -1 where it has not.
func (s *keySet) index(key *publicKey) int {
	if s == nil {
		return -1
	}
	return slices.IndexFunc(s.keys, key.is)
}

// holds reports whether all those keys are in the set.
func (s *keySet) holds(keys []*publicKey) bool {
	for _, key := range keys {
		if !slices.Contains(s.keys, key) {
			return false
		}
	}
	return true
}

// find returns the keys that may have signed by the algorithm a token that names that key, or that names none (nil).
func (s *keySet) find(id *string, algorithm string) (found []*publicKey) {
	for _, key := range s.keys {
		if (id == nil || *id == key.id && *id != "") && slices.Contains(key.algorithms, algorithm) {
			found = append(found, key)
		}
	}
	return found
}

// passesOver reports whether the set passes over the same keys as the other, in whatever order.
func (s *keySet) passesOver(other []passedKey) bool {
	texts := func(passed []passedKey) []string {
		texts := make([]string, len(passed))
		for i, key := range passed {
			texts[i] = key.text
		}
		slices.Sort(texts)
		return texts
	}
	return slices.Equal(texts(s.passed), texts(other))
}

// why says for what reasons keys are passed over; nil: none is.
func (s *keySet) why() error {
	reasons := make([]error, len(s.passed))
	for i, key := range s.passed {
		reasons[i] = key.why
	}
	return errors.Join(reasons...)
}

// ids are the names of the set's keys, for the log.
func (s *keySet) ids() []string {
	ids := make([]string, len(s.keys))
	for i, key := range s.keys {
		ids[i] = key.id
	}
	return ids
}
