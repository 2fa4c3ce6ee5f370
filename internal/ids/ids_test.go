package ids_test

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"linkspan/internal/ids"
)

// Bytes that the golden ids are made of.
var (
	up   = [16]byte{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}
	down = [16]byte{0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8, 0xf7, 0xf6, 0xf5, 0xf4, 0xf3, 0xf2, 0xf1, 0xf0}
)

// TestGoldenIDs holds the spelling of ids: clients keep them, so these texts must never change.
func TestGoldenIDs(t *testing.T) {
	t.Parallel()
	group, channel := ids.GroupFrom(up), ids.ChannelFrom(down)
	var invitation ids.Invitation
	if err := invitation.Scan(down[:]); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id   interface{ String() string }
		kind ids.Kind
		want string
	}{
		{group, ids.KindGroup, "grp_008j4ct4ank7f24snaxwsqfezw"},
		{channel, ids.KindChannel, "chn_zzzfvz7vzbwzhxzpyqtf7wqhy0"},
		{channel.Shard(), ids.KindShard, "shd_zzzfvz7vzbwzhxzpyqtf7wqhy0"},
		{invitation, ids.KindInvitation, "inv_zzzfvz7vzbwzhxzpyqtf7wqhy0"},
		{ids.Side{Channel: channel, Group: group}, ids.KindSide, "sid_zzzfvz7vzbwzhxzpyqtf7wqhy00128hk8hapcxw8k6nbqk6xxvzg"},
		{ids.UserOf(group, "ana"), ids.KindUser, "usr_008j4ct4ank7f24snaxwsqfezyxy94z9cwj8nvxshjq69b4tjz40"},
		{ids.Viewer{User: ids.UserOf(group, "ana")}, ids.KindViewer, "vwr_008j4ct4ank7f24snaxwsqfezyxy94z9cwj8nvxshjq69b4tjz40"},
	} {
		if got := c.id.String(); got != c.want {
			t.Errorf("%T is %s, want %s", c.id, got, c.want)
		}
		parsed, err := ids.Parse(c.want)
		if err != nil || parsed.Kind != c.kind || parsed.String() != c.want {
			t.Errorf("%s is read as %+v: %v", c.want, parsed, err)
		}
	}
}

// TestGoldenHashes holds what operations and users are found again by.
func TestGoldenHashes(t *testing.T) {
	t.Parallel()
	if got, want := ids.OpFor("a", "b").UUID().String(), "2a953f68-84f1-8fa6-a75a-123ef06b8126"; got != want {
		t.Errorf("OpFor is %s, want %s", got, want)
	}
	if got, want := ids.UserOf(ids.GroupFrom(up), "ana").UUID().String(), "bbe493e9-6724-8aef-b98c-ae64ac9a97c8"; got != want {
		t.Errorf("UserOf is %s, want %s", got, want)
	}
}

// TestHashesDiffer makes ids of lists of parts that look alike when they run together.
func TestHashesDiffer(t *testing.T) {
	t.Parallel()
	seen := map[ids.Op][]string{}
	for _, parts := range [][]string{{}, {""}, {"", ""}, {"a"}, {"a", ""}, {"", "a"}, {"ab"}, {"a", "b"}, {"1:a"}, {"a1:b"}, {"a", "1:b"}, {"a\x00b"}, {"A"}} {
		op := ids.OpFor(parts...)
		if other, ok := seen[op]; ok {
			t.Errorf("%q and %q are one operation", parts, other)
		}
		if seen[op] = parts; op != ids.OpFor(parts...) {
			t.Errorf("%q makes two operations", parts)
		}
	}
	one, other := ids.GroupFrom(up), ids.GroupFrom(down)
	if ids.UserOf(one, "ana") == ids.UserOf(one, "Ana") || ids.UserOf(one, "ana").UUID() == ids.UserOf(other, "ana").UUID() {
		t.Error("different users have one id")
	}
}

// TestNewIDs looks at what new ids say of themselves: version and variant, time and slot.
func TestNewIDs(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{time.UnixMilli(0), time.UnixMilli(1<<48 - 1), time.Date(2026, 11, 23, 21, 18, 0, 123e6, time.UTC)} {
		for _, slot := range []uint16{0, 1, 255, 256, 4095} {
			id := ids.NewChannel(at, slot)
			raw := id.Bytes()
			ms := int64(raw[0])<<40 | int64(raw[1])<<32 | int64(raw[2])<<24 | int64(raw[3])<<16 | int64(raw[4])<<8 | int64(raw[5])
			if id.Slot() != slot || ms != at.UnixMilli() || id.UUID().Version() != 8 || raw[8]>>6 != 0b10 {
				t.Errorf("at %v on slot %d: %v has slot %d, %d ms, version %d", at, slot, id.UUID(), id.Slot(), ms, id.UUID().Version())
			}
			if id == ids.NewChannel(at, slot) {
				t.Errorf("twice %v", id)
			}
		}
	}
	if ids.NewChannel(time.Now(), 4096).Slot() != 0 {
		t.Error("a slot beyond the last spills into the version")
	}
	if v := ids.NewGroup().UUID().Version(); v != 7 {
		t.Errorf("a group's id has version %d", v)
	}
	if v := ids.NewInvitation().UUID().Version(); v != 7 {
		t.Errorf("an invitation's id has version %d", v)
	}
	if v := ids.UserOf(ids.NewGroup(), "ana").UUID().Version(); v != 8 {
		t.Errorf("a user's id has version %d", v)
	}
	one, other := ids.NewOp(), ids.NewOp()
	first, second := ids.NewHistory(), ids.NewHistory()
	if one == other || first == second {
		t.Error("random ids repeat")
	}
}

// TestOneSpelling changes each character of an id to each other: what comes out is another id or none.
func TestOneSpelling(t *testing.T) {
	t.Parallel()
	const characters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-= \n\x00ſK"
	for _, good := range []string{"grp_008j4ct4ank7f24snaxwsqfezw", "sid_zzzfvz7vzbwzhxzpyqtf7wqhy00128hk8hapcxw8k6nbqk6xxvzg"} {
		original, err := ids.Parse(good)
		if err != nil {
			t.Fatal(err)
		}
		for i := range good {
			for _, c := range characters {
				changed := good[:i] + string(c) + good[i+1:]
				parsed, err := ids.Parse(changed)
				var malformed *ids.MalformedError
				switch {
				case err != nil && !errors.As(err, &malformed):
					t.Errorf("%q: %v", changed, err)
				case err == nil && parsed.String() != changed:
					t.Errorf("%q is read as %s", changed, parsed)
				case err == nil && changed != good && parsed == original:
					t.Errorf("%q is %s too", changed, good)
				}
			}
		}
	}
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	good := ids.NewGroup().String()
	for _, text := range []string{
		"", "_", "grp", "grp_", "GRP_" + good[4:], "grp-" + good[4:], " " + good, good + " ", good + "\n", good[:len(good)-1], good + "0", good + "=",
		"grp_" + strings.ToUpper(good[4:]) + "A", "grp__" + good[4:], "xyz_" + good[4:], "chn_" + good[4:] + good[4:], "usr_" + good[4:], strings.Repeat("grp_", 1000),
		"grp_0000000000000000000000000i", "grp_0000000000000000000000000o", "grp_00000000000000000000000001", "{" + good + "}",
	} {
		_, err := ids.Parse(text)
		var malformed *ids.MalformedError
		if !errors.As(err, &malformed) || malformed.What == "" {
			t.Errorf("%.40q: %v", text, err)
		} else if len(text) > 4 && strings.Contains(err.Error(), text) {
			t.Errorf("the error repeats what it was given: %v", err)
		}
		var group ids.Group
		if err := group.UnmarshalGQL(text); !errors.As(err, &malformed) || !group.IsZero() {
			t.Errorf("as a group, %.40q: %v %v", text, group, err)
		}
	}
}

// TestTypesInGraphQL gives each type its own ids, those of the others, and what is no text.
func TestTypesInGraphQL(t *testing.T) {
	t.Parallel()
	group, channel := ids.GroupFrom(up), ids.ChannelFrom(down)
	user := ids.UserOf(group, "ana")
	var invitation ids.Invitation
	if err := invitation.Scan(up[:]); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{
		"group": group.String(), "user": user.String(), "viewer": ids.Viewer{User: user}.String(), "channel": channel.String(),
		"side": ids.Side{Channel: channel, Group: group}.String(), "shard": channel.Shard().String(), "invitation": invitation.String(),
	}
	read := map[string]func(v any) (string, error){
		"group":      func(v any) (string, error) { var id ids.Group; err := id.UnmarshalGQL(v); return id.String(), err },
		"user":       func(v any) (string, error) { var id ids.User; err := id.UnmarshalGQL(v); return id.String(), err },
		"viewer":     func(v any) (string, error) { var id ids.Viewer; err := id.UnmarshalGQL(v); return id.String(), err },
		"channel":    func(v any) (string, error) { var id ids.Channel; err := id.UnmarshalGQL(v); return id.String(), err },
		"side":       func(v any) (string, error) { var id ids.Side; err := id.UnmarshalGQL(v); return id.String(), err },
		"shard":      func(v any) (string, error) { var id ids.Shard; err := id.UnmarshalGQL(v); return id.String(), err },
		"invitation": func(v any) (string, error) { var id ids.Invitation; err := id.UnmarshalGQL(v); return id.String(), err },
	}
	for typ, read := range read {
		for kind, text := range texts {
			got, err := read(text)
			var malformed *ids.MalformedError
			if kind == typ && (err != nil || got != text) {
				t.Errorf("%s is read as %s: %v", text, got, err)
			}
			if kind != typ && (!errors.As(err, &malformed) || !strings.Contains(malformed.What, typ)) {
				t.Errorf("%s read as a %s: %v", text, typ, err)
			}
		}
		for _, v := range []any{nil, 5, int64(5), 1.5, true, []any{texts[typ]}, map[string]any{}, json.Number("5"), []byte(texts[typ])} {
			if _, err := read(v); err == nil {
				t.Errorf("%T is read as a %s", v, typ)
			}
			var any ids.ID
			if err := any.UnmarshalGQL(v); err == nil {
				t.Errorf("%T is read as an id", v)
			}
		}
	}
	for kind, text := range texts {
		var id ids.ID
		var out strings.Builder
		if err := id.UnmarshalGQL(text); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if id.MarshalGQL(&out); out.String() != `"`+text+`"` {
			t.Errorf("%s is written %s", kind, out.String())
		}
	}
}

// TestStored reads back what is stored: as a uuid in SQL, as text in JSON.
func TestStored(t *testing.T) {
	t.Parallel()
	id := ids.NewGroup()
	value, err := id.Value()
	if err != nil {
		t.Fatal(err)
	}
	raw := id.Bytes()
	for _, src := range []any{value, raw[:], []byte(id.UUID().String())} {
		var read ids.Group
		if err := read.Scan(src); err != nil || read != id {
			t.Errorf("%v is read as %v: %v", src, read, err)
		}
	}
	read := id
	if err := read.Scan(nil); err != nil || !read.IsZero() {
		t.Errorf("NULL is read as %v: %v", read, err)
	}
	if value, err := (ids.Group{}).Value(); value != driver.Value(nil) || err != nil {
		t.Errorf("the zero id is stored as %v: %v", value, err)
	}
	if err := read.Scan("no uuid"); err == nil {
		t.Error("no uuid is read")
	}

	type stored struct {
		Group      ids.Group
		Channel    ids.Channel
		Invitation ids.Invitation
		User       ids.User
	}
	all := stored{id, ids.NewChannel(time.Now(), 7), ids.NewInvitation(), ids.UserOf(id, "ana")}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	var again stored
	if err := json.Unmarshal(text, &again); err != nil || again != all {
		t.Errorf("%s is read as %+v: %v", text, again, err)
	}
	if err := json.Unmarshal([]byte(strings.Replace(string(text), "grp_", "chn_", 1)), &again); err == nil {
		t.Error("a channel's id is read as a group's")
	}
}

// FuzzParse reads any text: what is taken is written as it was, and the rest is a *MalformedError.
func FuzzParse(f *testing.F) {
	group, channel := ids.GroupFrom(up), ids.ChannelFrom(down)
	for _, seed := range []string{
		"", "grp_", group.String(), channel.String(), channel.Shard().String(), ids.Side{Channel: channel, Group: group}.String(),
		ids.UserOf(group, "ana").String(), ids.Viewer{User: ids.UserOf(group, "ana")}.String(), "inv_zzzfvz7vzbwzhxzpyqtf7wqhy0",
		"inv_zzzfvz7vzbwzhxzpyqtf7wqhyz", "chn_ZZZFVZ7VZBWZHXZPYQTF7WQHY0", "grp_008j4ct4ank7f24snaxwsqfez\x00", "usr_008j4ct4ank7f24snaxwsqfezw", "grp_ｚ",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ids.Parse(text)
		var asGQL ids.ID
		if gqlErr := asGQL.UnmarshalGQL(text); (gqlErr == nil) != (err == nil) || asGQL != id {
			t.Errorf("%q is %v here and %v in GraphQL", text, id, asGQL)
		}
		if err != nil {
			var malformed *ids.MalformedError
			if !errors.As(err, &malformed) || id != (ids.ID{}) {
				t.Errorf("%q: %v %v", text, id, err)
			}
			return
		}
		if id.String() != text || !strings.HasPrefix(text, string(id.Kind)+"_") {
			t.Errorf("%q is written %q", text, id.String())
		}
	})
}
