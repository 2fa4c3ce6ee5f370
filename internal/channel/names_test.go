package channel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"linkspan/internal/ids"
)

// takenNames is a transaction that knows which names are taken and nothing else.
type takenNames struct {
	MainTx
	keys  map[string]bool
	err   error
	asked int
}

func (f *takenNames) TakenNames(_ context.Context, _ ids.Group, keys []string) (map[string]bool, error) {
	f.asked++
	taken := map[string]bool{}
	for _, key := range keys {
		if f.keys[key] {
			taken[key] = true
		}
	}
	return taken, f.err
}

func TestFreeName(t *testing.T) {
	t.Parallel()
	numbers := func(name string, to int) []string {
		names := []string{name}
		for n := 2; n <= to; n++ {
			names = append(names, fmt.Sprintf("%s %d", name, n))
		}
		return names
	}
	long := strings.Repeat("n", 80)
	for _, c := range []struct {
		name  string
		taken []string
		want  string
		asked int
	}{
		{"launch", nil, "launch", 1},
		{"launch", []string{"landing"}, "launch", 1},
		{"Launch", []string{"launch"}, "Launch 2", 1},
		{"launch", []string{"LAUNCH", "launch 3"}, "launch 2", 1},
		{"launch", []string{"launch", "Launch 2", "launch 3"}, "launch 4", 1},
		{"launch", []string{"launch 2"}, "launch", 1},
		{"launch", numbers("launch", 50), "launch 51", 2},
		{"launch", numbers("launch", 137), "launch 138", 3},
		{long, []string{long}, long[:78] + " 2", 1},
		{long, append([]string{long}, long[:78]+" 2"), long[:78] + " 3", 1},
	} {
		fake := &takenNames{keys: map[string]bool{}}
		for _, name := range c.taken {
			fake.keys[NameKey(name)] = true
		}
		got, err := freeName(t.Context(), fake, ids.NewGroup(), c.name)
		if err != nil || got != c.want || fake.asked != c.asked {
			t.Errorf("for %.20q beside %.60q: %q after %d questions, %v; want %q after %d", c.name, c.taken, got, fake.asked, err, c.want, c.asked)
		}
	}
	broken := errors.New("broken")
	if got, err := freeName(t.Context(), &takenNames{err: broken}, ids.NewGroup(), "launch"); !errors.Is(err, broken) || got != "" {
		t.Errorf("%q: %v", got, err)
	}
}

// kept is a transaction that keeps operations.
type kept struct {
	MainTx
	operations map[ids.Op]Operation
}

func (f kept) Claim(_ context.Context, op Operation) (*Operation, error) {
	if old, ok := f.operations[op.ID]; ok {
		return &old, nil
	}
	f.operations[op.ID] = op
	return nil, nil
}

func TestClaim(t *testing.T) {
	t.Parallel()
	tx := kept{operations: map[ids.Op]Operation{}}
	v := &Viewer{User: User{ID: ids.UserOf(ids.NewGroup(), "ana")}}
	key := "k"
	claimed := func(mutation, subject string, in any) (*Outcome, error) {
		op, err := newOperation(v, mutation, subject, &key, in)
		if err != nil {
			t.Fatal(err)
		}
		op.Outcome.Channel = ids.ChannelFrom([16]byte{byte(len(tx.operations) + 1)})
		return claim(t.Context(), tx, op)
	}
	if outcome, err := claimed("create", "", 1); outcome != nil || err != nil {
		t.Errorf("the first run finds %v: %v", outcome, err)
	}
	if outcome, err := claimed("create", "", 1); err != nil || outcome == nil || outcome.Channel != ids.ChannelFrom([16]byte{1}) {
		t.Errorf("a repetition finds %v: %v", outcome, err)
	}
	var reused IdempotencyKeyReusedError
	if outcome, err := claimed("create", "", 2); !errors.As(err, &reused) || outcome != nil {
		t.Errorf("another input finds %v: %v", outcome, err)
	}
	if outcome, err := claimed("create", "other", 2); outcome != nil || err != nil {
		t.Errorf("another subject finds %v: %v", outcome, err)
	}
	if outcome, err := claimed("accept", "", 2); outcome != nil || err != nil {
		t.Errorf("another mutation finds %v: %v", outcome, err)
	}
}

func TestOperations(t *testing.T) {
	t.Parallel()
	group := ids.NewGroup()
	viewer := func(sub string) *Viewer { return &Viewer{User: User{ID: ids.UserOf(group, sub)}} }
	op := func(v *Viewer, mutation, subject, key string, in any) Operation {
		op, err := newOperation(v, mutation, subject, &key, in)
		if err != nil {
			t.Fatal(err)
		}
		return op
	}
	first := op(viewer("ana"), "m", "s", "k", []any{"a", nil})
	if again := op(viewer("ana"), "m", "s", "k", []any{"a", nil}); again != first {
		t.Errorf("%+v and %+v", first, again)
	}
	for what, other := range map[string]Operation{
		"user": op(viewer("ben"), "m", "s", "k", []any{"a", nil}), "mutation": op(viewer("ana"), "n", "s", "k", []any{"a", nil}),
		"subject": op(viewer("ana"), "m", "t", "k", []any{"a", nil}), "key": op(viewer("ana"), "m", "s", "l", []any{"a", nil}),
	} {
		if other.ID == first.ID {
			t.Errorf("another %s has the same operation", what)
		}
	}
	for _, in := range []any{[]any{"a", ""}, []any{"a"}, []any{nil, "a"}, []any{"A", nil}} {
		if other := op(viewer("ana"), "m", "s", "k", in); other.ID != first.ID || other.Input == first.Input {
			t.Errorf("input %v: %+v beside %+v", in, other, first)
		}
	}
	one, err := newOperation(viewer("ana"), "m", "s", nil, nil)
	other, otherErr := newOperation(viewer("ana"), "m", "s", nil, nil)
	if err != nil || otherErr != nil || one.ID == other.ID || one.Input != other.Input {
		t.Errorf("without a key: %+v and %+v", one, other)
	}
	for key, ok := range map[string]bool{
		"": false, "k": true, strings.Repeat("k", 200): true, strings.Repeat("k", 201): false, strings.Repeat("🔑", 200): true, strings.Repeat("🔑", 201): false,
	} {
		_, err := newOperation(viewer("ana"), "m", "s", &key, nil)
		var refused InvalidInputError
		if ok != (err == nil) || !ok && (!errors.As(err, &refused) || strings.Join(refused.Path, ".") != "input.idempotencyKey") {
			t.Errorf("key %.10q of %d bytes: %v", key, len(key), err)
		}
	}
}

func TestGroupSelector(t *testing.T) {
	t.Parallel()
	id := ids.NewGroup()
	for _, c := range []struct {
		given any
		ok    bool
	}{
		{map[string]any{}, false}, {map[string]any{"handle": "acme"}, true}, {map[string]any{"id": id.String()}, true},
		{map[string]any{"handle": "acme", "id": id.String()}, false}, {map[string]any{"handle": "acme", "id": nil}, false},
		{map[string]any{"handle": nil}, false}, {map[string]any{"handle": "a\x00b"}, false}, {map[string]any{"name": "acme"}, false},
		{"acme", false}, {nil, false},
	} {
		var by GroupSelector
		err := by.UnmarshalGQL(c.given)
		var fault *Fault
		if c.ok != (err == nil) || !c.ok && (!errors.As(err, &fault) || fault.Code != BadUserInput) {
			t.Errorf("%v: %+v, %v", c.given, by, err)
		}
		if c.ok && (by.Handle == nil) == (by.ID == nil) {
			t.Errorf("%v is read as %+v", c.given, by)
		}
	}
}

// What is kept of what was said can't be tried by whoever has the tables but not the key.
func TestChangesAreKeptSealed(t *testing.T) {
	t.Parallel()
	v := &Viewer{User: User{ID: ids.UserOf(ids.NewGroup(), "ana")}}
	change := func(key *string, in any) Operation {
		op, err := newChange(v, "postMessage", "c", key, in)
		if err != nil {
			t.Fatal(err)
		}
		return op
	}
	k, l := "k", "l"
	said := []any{"words"}
	plain, err := newOperation(v, "postMessage", "c", &k, said)
	if err != nil {
		t.Fatal(err)
	}
	first := change(&k, said)
	if again := change(&k, said); again != first || first.ID != plain.ID {
		t.Errorf("the same again is %+v, first it was %+v", again, first)
	}
	if other := change(&k, []any{"other words"}); other.ID != first.ID || other.Input == first.Input {
		t.Errorf("another input under the key is %+v, first it was %+v", other, first)
	}
	if other := change(&l, said); other.Input == first.Input || first.Input == plain.Input || first.Input == "" {
		t.Errorf("the hash %s is made without the key: with another %s, without %s", first.Input, other.Input, plain.Input)
	}
	if one, other := change(nil, said), change(nil, said); one.Input != "" || one.ID == other.ID {
		t.Errorf("without a key: %+v and %+v", one, other)
	}
	long := strings.Repeat("k", MaxIdempotencyKeyRunes+1)
	var invalid InvalidInputError
	if _, err := newChange(v, "postMessage", "c", &long, said); !errors.As(err, &invalid) {
		t.Errorf("a key that is too long: %v", err)
	}
}
