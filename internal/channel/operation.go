package channel

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"unicode/utf8"

	"linkspan/internal/ids"
)

// MaxIdempotencyKeyRunes is the greatest length of an idempotency key.
const MaxIdempotencyKeyRunes = 200

// Operation is one run of a mutation. It is kept with its effect, in the effect's transaction: under its id a
// repetition (a retry with the same key, or of a commit whose outcome is unknown) finds the outcome.
type Operation struct {
	ID       ids.Op
	Mutation string
	Input    string // hash of the input, to tell a repetition from a reuse of the key; in a channel's conversation empty without a key
	Outcome  Outcome
}

// Outcome is what a repetition answers with; the objects' fields are read anew.
type Outcome struct {
	Group           ids.Group
	Channel         ids.Channel
	Invitation      ids.Invitation
	Message         ids.Message
	NameChangedFrom *string
}

// newOperation gives a run of a mutation its id: from the key, in the scope of the user, the mutation and the subject
// that it names, else random. The input, without the key, must marshal the same way each time.
func newOperation(v *Viewer, mutation, subject string, key *string, in any) (Operation, error) {
	encoded, err := json.Marshal(in)
	if err != nil {
		return Operation{}, err
	}
	sum := sha256.Sum256(encoded)
	op := Operation{ID: ids.NewOp(), Mutation: mutation, Input: hex.EncodeToString(sum[:])}
	if key != nil {
		if *key == "" || utf8.RuneCountInString(*key) > MaxIdempotencyKeyRunes {
			return op, invalidInput("An idempotencyKey has 1 to 200 characters.", "idempotencyKey")
		}
		op.ID = ids.OpFor(v.User.ID.String(), mutation, subject, *key)
	}
	return op, nil
}

// newChange is newOperation for what is said in a channel. Its hash is made with the key, which is kept nowhere, so that what
// a message said can't be tried against it once that is deleted. Without a key nothing is ever compared, and there is none.
func newChange(v *Viewer, mutation, subject string, key *string, in any) (Operation, error) {
	op, err := newOperation(v, mutation, subject, key, in)
	switch {
	case err != nil:
	case key == nil:
		op.Input = ""
	default:
		sealed := hmac.New(sha256.New, []byte(*key))
		sealed.Write([]byte(op.Input))
		op.Input = hex.EncodeToString(sealed.Sum(nil))
	}
	return op, err
}
