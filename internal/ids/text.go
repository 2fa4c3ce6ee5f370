package ids

import (
	"io"
	"strings"
)

// An ID is an id of any kind, as Query.node takes it. Only the field of its Kind is set.
type ID struct {
	Kind       Kind
	Group      Group
	User       User
	Viewer     Viewer
	Channel    Channel
	Side       Side
	Shard      Shard
	Invitation Invitation
	Message    Message
}

// Parse reads an id of any kind; the error is a *MalformedError.
func Parse(text string) (ID, error) {
	prefix, _, _ := strings.Cut(text, "_")
	id := ID{Kind: Kind(prefix)}
	var err error
	switch id.Kind {
	case KindGroup:
		err = id.Group.parse(text)
	case KindUser:
		err = id.User.parse(text)
	case KindViewer:
		err = id.Viewer.parse(text)
	case KindChannel:
		err = id.Channel.parse(text)
	case KindSide:
		err = id.Side.parse(text)
	case KindShard:
		err = id.Shard.parse(text)
	case KindInvitation:
		err = id.Invitation.parse(text)
	case KindMessage:
		err = id.Message.parse(text)
	default:
		err = &MalformedError{What: "an id"}
	}
	if err != nil {
		return ID{}, err
	}
	return id, nil
}

func (id ID) String() string {
	switch id.Kind {
	case KindGroup:
		return id.Group.String()
	case KindUser:
		return id.User.String()
	case KindViewer:
		return id.Viewer.String()
	case KindChannel:
		return id.Channel.String()
	case KindSide:
		return id.Side.String()
	case KindShard:
		return id.Shard.String()
	case KindInvitation:
		return id.Invitation.String()
	case KindMessage:
		return id.Message.String()
	}
	return ""
}

// String returns the id as clients see it.
func (id Group) String() string      { return encode(KindGroup, id.key) }
func (id Invitation) String() string { return encode(KindInvitation, id.key) }
func (id Channel) String() string    { return encode(KindChannel, id.key) }
func (id Shard) String() string      { return encode(KindShard, id.key) }
func (id User) String() string       { return encode(KindUser, id.Group.key, id.key) }
func (id Viewer) String() string     { return encode(KindViewer, id.Group.key, id.key) }
func (id Side) String() string       { return encode(KindSide, id.Channel.key, id.Group.key) }

func (id *Group) parse(text string) error      { return one(&id.key, KindGroup, text) }
func (id *Invitation) parse(text string) error { return one(&id.key, KindInvitation, text) }
func (id *Channel) parse(text string) error    { return one(&id.key, KindChannel, text) }
func (id *Shard) parse(text string) error      { return one(&id.key, KindShard, text) }
func (id *User) parse(text string) error       { return two(&id.Group.key, &id.key, KindUser, text) }
func (id *Viewer) parse(text string) error     { return two(&id.Group.key, &id.key, KindViewer, text) }
func (id *Side) parse(text string) error       { return two(&id.Channel.key, &id.Group.key, KindSide, text) }

func one(k *key, kind Kind, text string) error {
	raw, err := decode(kind, text)
	if err != nil {
		return err
	}
	*k = key(raw)
	return nil
}

func two(first, second *key, kind Kind, text string) error {
	raw, err := decode(kind, text)
	if err != nil {
		return err
	}
	*first, *second = key(raw[:16]), key(raw[16:])
	return nil
}

// MarshalText and UnmarshalText are the id in JSON that we store, spelt as clients see it.
func (id Group) MarshalText() ([]byte, error)          { return []byte(id.String()), nil }
func (id *Group) UnmarshalText(text []byte) error      { return id.parse(string(text)) }
func (id Invitation) MarshalText() ([]byte, error)     { return []byte(id.String()), nil }
func (id *Invitation) UnmarshalText(text []byte) error { return id.parse(string(text)) }
func (id Channel) MarshalText() ([]byte, error)        { return []byte(id.String()), nil }
func (id *Channel) UnmarshalText(text []byte) error    { return id.parse(string(text)) }
func (id User) MarshalText() ([]byte, error)           { return []byte(id.String()), nil }
func (id *User) UnmarshalText(text []byte) error       { return id.parse(string(text)) }

// MarshalGQL and UnmarshalGQL are the id in GraphQL; the error is a *MalformedError.
func (id ID) MarshalGQL(w io.Writer)         { quote(w, id.String()) }
func (id Group) MarshalGQL(w io.Writer)      { quote(w, id.String()) }
func (id Invitation) MarshalGQL(w io.Writer) { quote(w, id.String()) }
func (id Channel) MarshalGQL(w io.Writer)    { quote(w, id.String()) }
func (id Shard) MarshalGQL(w io.Writer)      { quote(w, id.String()) }
func (id User) MarshalGQL(w io.Writer)       { quote(w, id.String()) }
func (id Viewer) MarshalGQL(w io.Writer)     { quote(w, id.String()) }
func (id Side) MarshalGQL(w io.Writer)       { quote(w, id.String()) }

func (id *Group) UnmarshalGQL(v any) error      { return unquote(v, KindGroup, id.parse) }
func (id *Invitation) UnmarshalGQL(v any) error { return unquote(v, KindInvitation, id.parse) }
func (id *Channel) UnmarshalGQL(v any) error    { return unquote(v, KindChannel, id.parse) }
func (id *Shard) UnmarshalGQL(v any) error      { return unquote(v, KindShard, id.parse) }
func (id *User) UnmarshalGQL(v any) error       { return unquote(v, KindUser, id.parse) }
func (id *Viewer) UnmarshalGQL(v any) error     { return unquote(v, KindViewer, id.parse) }
func (id *Side) UnmarshalGQL(v any) error       { return unquote(v, KindSide, id.parse) }

// UnmarshalGQL accepts an id of any kind.
func (id *ID) UnmarshalGQL(v any) error {
	text, ok := v.(string)
	if !ok {
		return &MalformedError{What: "an id"}
	}
	parsed, err := Parse(text)
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

// quote writes an id, which has nothing to escape.
func quote(w io.Writer, id string) {
	io.WriteString(w, `"`)
	io.WriteString(w, id)
	io.WriteString(w, `"`)
}

func unquote(v any, kind Kind, parse func(string) error) error {
	text, ok := v.(string)
	if !ok {
		return &MalformedError{What: kinds[kind].what}
	}
	return parse(text)
}
