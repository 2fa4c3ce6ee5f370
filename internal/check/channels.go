package check

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

const (
	// channelBatch is how many channels are compared at a time.
	channelBatch = 500
	// rounds is how often what is in flight is looked at again.
	rounds = 3
)

var (
	stepReached = Invariant{"step-reached",
		"A destination has reached what main has noted, and no more than main has decided."}
	channelShard     = Invariant{"channel-shard", "A channel shard is as main has the channel."}
	channelSide      = Invariant{"channel-side", "A side is as main has the link; only those who were linked have one."}
	listedInvitation = Invariant{"listed-invitation", "The copies of an invitation in both groups' lists are as main has it."}
	listedChannel    = Invariant{"listed-channel", "The groups that are or were linked with a channel have it in their lists, and no others."}
)

var (
	shardKind      = &kind{channelShard, "channel"}
	sideKind       = &kind{channelSide, "side of group"}
	invitationKind = &kind{listedInvitation, "invitation"}
	listKind       = &kind{listedChannel, "channel in the list of group"}
	inboxKind      = &kind{groupInbox, "inbox of group"}
	policyKind     = &kind{groupPolicy, "policy of group"}
	blockKind      = &kind{groupBlock, "block of group"}
	kinds          = []*kind{shardKind, sideKind, invitationKind, listKind, inboxKind, policyKind, blockKind}
)

// invitationFields are the fields of an invitation i that main and the copies have alike.
var invitationFields = invitationFieldsFor(`true`)

// invitationFieldsFor are those of the copy of a group that may know who decided where that condition holds.
func invitationFieldsFor(knows string) string {
	who := func(column string) string { return `CASE WHEN ` + knows + ` THEN i.` + column + ` END` }
	return `jsonb_build_object('channel', i.channel_id, 'state', i.state, 'version', i.version, 'note', i.note,
	'reason', i.reason, 'from', i.from_group_id, 'to', i.to_group_id, 'sender', i.sender_id, 'sender_name', i.sender_name,
	'resolver_group', ` + who("resolver_group_id") + `, 'resolver', ` + who("resolver_id") + `, 'resolver_name', ` + who("resolver_name") + `,
	'awaits_from', i.awaits_from, 'awaits_to', i.awaits_to,
	'created', extract(epoch FROM i.created_at), 'expires', extract(epoch FROM i.expires_at),
	'resolved', extract(epoch FROM i.resolved_at), 'proposed_name', i.proposed_name, 'previous', i.previous_id)::text`
}

// knowsResolver is whether a group, of that column, may know who decided on an invitation i: who of the other one denied an approval is its own
// affair.
func knowsResolver(group string) string {
	return `(i.state <> 'DENIED' OR i.resolver_group_id = i.` + group + `)`
}

// sideMember is what a member m of a side has.
const sideMember = `jsonb_build_array(m.user_id, m.name, m.position)`

// membersOf are what is listed of members m of a side, in one order.
func membersOf(what, from string) string {
	return `COALESCE((SELECT jsonb_agg(` + what + ` ORDER BY m.user_id) FROM ` + from + `)::text, '')`
}

// streamRow is how far main is with a stream: Head is the first step that it has not noted, Tail the last that it decided.
type streamRow struct {
	Subject     uuid.UUID `bun:"subject"`
	Kind        string    `bun:"destination_kind"`
	Destination uuid.UUID `bun:"destination"`
	Head        int64     `bun:"head"`
	Tail        int64     `bun:"tail"`
}

// destination is where a stream leads, with what main wants there.
type destination struct {
	stream streamRow
	slot   shardrouter.Slot
	list   uuid.UUID // the group whose lists change there
	want   facts
}

// object names the destination in a breach.
func (d *destination) object() string {
	return fmt.Sprintf("steps of %s to %s %s", d.stream.Subject, strings.ToLower(d.stream.Kind), d.stream.Destination)
}

type (
	channelRow struct {
		ID     uuid.UUID `bun:"channel_id"`
		Fields string    `bun:"fields"`
	}
	linkRow struct {
		Channel uuid.UUID `bun:"channel_id"`
		Group   uuid.UUID `bun:"group_id"`
		Name    *string   `bun:"name"`
		NameKey *string   `bun:"name_key"`
		Fields  string    `bun:"fields"`
		Listed  string    `bun:"listed"` // the fields of the entry in the group's list
	}
	invitationRow struct {
		ID      uuid.UUID `bun:"invitation_id"`
		Channel uuid.UUID `bun:"channel_id"`
		From    uuid.UUID `bun:"from_group_id"`
		To      uuid.UUID `bun:"to_group_id"`
		Unsent  bool      `bun:"unsent"`
		AtFrom  string    `bun:"at_from"` // the fields of the copies of the two groups
		AtTo    string    `bun:"at_to"`
	}
)

// channels compares every channel that main has when it begins with its shard and with the lists of its groups. Ids grow
// with time: without an end it would run after those that are being made.
func (c *checker) channels(ctx context.Context) error {
	total, err := c.count(ctx, `SELECT count(*) FROM linkspan_main.channel`)
	if err != nil {
		return err
	}
	end, err := c.newestChannel(ctx)
	if err != nil {
		return err
	}
	return c.walk(ctx, "channels", total, &c.report.Channels, func(tx bun.Tx, behind uuid.UUID) (p page, err error) {
		rows, err := query[channelRow](ctx, tx, channelRows+`
			WHERE c.channel_id > ? AND c.channel_id <= ? ORDER BY c.channel_id LIMIT ?`, behind, end, channelBatch)
		if err != nil || len(rows) == 0 {
			return p, err
		}
		p.objects, p.last = len(rows), rows[len(rows)-1].ID
		p.destinations, err = c.wantedOf(ctx, tx, rows)
		return p, err
	}, func(tx bun.Tx, again []uuid.UUID) ([]*destination, error) {
		rows, err := query[channelRow](ctx, tx, channelRows+` WHERE c.channel_id IN (?)`, bun.List(again))
		if err != nil {
			return nil, err
		}
		return c.wantedOf(ctx, tx, rows)
	})
}

func (c *checker) newestChannel(ctx context.Context) (id uuid.UUID, err error) {
	err = c.router.Main().ReadPgx(ctx, func(ctx context.Context, conn shardrouter.Conn) error {
		err := conn.QueryRow(ctx, `SELECT channel_id FROM linkspan_main.channel ORDER BY channel_id DESC LIMIT 1`).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			err = nil // none is there
		}
		return err
	})
	return id, failed(shardrouter.MainName, "channels", err)
}

// channelRows has an expression under its max, for the index of what is due next would else seem a way to find that. It wants no topic where main
// does not know it.
const channelRows = `
	SELECT c.channel_id, (jsonb_build_object('initiator', c.initiator_group_id, 'state', c.state, 'offered', c.offered_group_id,
		'home', (SELECT i.from_group_id FROM linkspan_main.invitation AS i WHERE i.channel_id = c.channel_id
			ORDER BY i.created_at, i.invitation_id LIMIT 1),
		'pending_until', CASE c.state WHEN 'PENDING' THEN (
			SELECT max(extract(epoch FROM i.expires_at)) FROM linkspan_main.invitation AS i
			WHERE i.channel_id = c.channel_id AND i.state IN ` + stillOpen + `) END)
		|| CASE WHEN c.topic IS NULL THEN '{}' ELSE jsonb_build_object('topic', NULLIF(c.topic, '')) END)::text AS fields
	FROM linkspan_main.channel AS c`

// wantedOf returns what main wants at the destinations of the channels.
func (c *checker) wantedOf(ctx context.Context, tx bun.Tx, rows []channelRow) ([]*destination, error) {
	channels := make([]uuid.UUID, len(rows))
	for i, row := range rows {
		channels[i] = row.ID
	}
	links, err := query[linkRow](ctx, tx, `
		SELECT channel_id, group_id, name, name_key, jsonb_build_object('role', role, 'state', state,
			'version', version, 'name', name, 'linked', extract(epoch FROM linked_at), 'may_invite', may_invite,
			'name_visible', name_visible, 'topic', topic, 'muted', muted_by_default, 'retention_days', retention_days,
			'members_only', members_only, 'members', `+membersOf(sideMember, `linkspan_main.side_member AS m
			WHERE m.channel_id = r.channel_id AND m.group_id = r.group_id`)+`)::text AS fields,
			jsonb_build_object('members_only', members_only, 'members', `+membersOf(`m.user_id`, `linkspan_main.side_member AS m
			WHERE m.channel_id = r.channel_id AND m.group_id = r.group_id`)+`)::text AS listed
		FROM linkspan_main.shard_referential AS r WHERE channel_id IN (?)`, bun.List(channels))
	if err != nil {
		return nil, err
	}
	invitations, err := query[invitationRow](ctx, tx, `
		SELECT i.invitation_id, i.channel_id, i.from_group_id, i.to_group_id, i.unsent,
			`+invitationFieldsFor(knowsResolver("from_group_id"))+` AS at_from, `+invitationFieldsFor(knowsResolver("to_group_id"))+` AS at_to
		FROM linkspan_main.invitation AS i
		WHERE i.channel_id IN (?) ORDER BY i.created_at, i.invitation_id`, bun.List(channels))
	if err != nil {
		return nil, err
	}
	found, err := destinations(ctx, tx, channels)
	if err != nil {
		return nil, err
	}
	w := wanted{wantedBy(found), make(map[uuid.UUID]uuid.UUID, len(rows))}
	for _, row := range invitations {
		if _, ok := w.home[row.Channel]; !ok {
			w.home[row.Channel] = row.From // of the first
		}
	}
	for _, row := range rows {
		w.wantChannel(row)
	}
	for _, row := range links {
		c.wantLink(w, row)
	}
	for _, row := range invitations {
		w.wantCopy(row, row.From, row.AtFrom)
		if !row.Unsent {
			w.wantCopy(row, row.To, row.AtTo)
		}
	}
	for _, d := range w.destinations {
		if d.stream.Tail == 0 {
			c.breach(Breach{stepReached.Name, shardrouter.MainName, "channel " + d.stream.Subject.String(), d.untold()})
		}
	}
	return found, nil
}

// destinationsBy finds a destination by its stream's subject and where it leads.
type destinationsBy map[[2]uuid.UUID]*destination

func wantedBy(found []*destination) destinationsBy {
	by := make(destinationsBy, len(found))
	for _, d := range found {
		by[[2]uuid.UUID{d.stream.Subject, d.stream.Destination}] = d
	}
	return by
}

// at returns the destination. Where main has no such stream it is one without steps: nothing will come of what is wanted
// there.
func (by destinationsBy) at(subject, to uuid.UUID) *destination {
	key := [2]uuid.UUID{subject, to}
	if by[key] == nil {
		by[key] = &destination{stream: streamRow{Subject: subject, Destination: to}, want: make(facts)}
	}
	return by[key]
}

// untold says what comes of it that the destination has no steps.
func (d *destination) untold() string {
	if d.stream.Destination == d.stream.Subject {
		return "no step makes its channel shard"
	}
	return fmt.Sprintf("no step tells group %s of it", d.stream.Destination)
}

// wanted is what main wants of some channels.
type wanted struct {
	destinations destinationsBy
	// home is each channel's home: the group that made it, on whose slot it is, and whose lists its own steps change. It is
	// neither always the initiator nor who invites.
	home map[uuid.UUID]uuid.UUID
}

// listsOf is where a group's lists get to know of a channel.
func (w wanted) listsOf(group, channel uuid.UUID) *destination {
	if group == w.home[channel] {
		return w.destinations.at(channel, channel)
	}
	return w.destinations.at(channel, group)
}

func (w wanted) wantCopy(row invitationRow, group uuid.UUID, fields string) {
	w.listsOf(group, row.Channel).want.add(invitationKind, group.String()+" "+row.ID.String(), fields)
}

func (w wanted) wantChannel(row channelRow) {
	d := w.destinations.at(row.ID, row.ID)
	d.list = w.home[row.ID]
	d.want.add(shardKind, row.ID.String(), row.Fields)
}

func (c *checker) wantLink(w wanted, row linkRow) {
	if row.Name == nil {
		return // it was never linked
	}
	if row.NameKey == nil || *row.NameKey != channel.NameKey(*row.Name) {
		c.breach(Breach{nameKey.Name, shardrouter.MainName, fmt.Sprintf("link of %s with %s", row.Group, row.Channel),
			"the key is not that of the name"})
	}
	w.destinations.at(row.Channel, row.Channel).want.add(sideKind, row.Group.String(), row.Fields)
	w.listsOf(row.Group, row.Channel).want.add(listKind, row.Group.String(), row.Listed)
}

// destinations returns the streams of the subjects, with nothing wanted yet.
func destinations(ctx context.Context, tx bun.Tx, subjects []uuid.UUID) ([]*destination, error) {
	rows, err := query[streamRow](ctx, tx, `
		SELECT subject, destination_kind, destination, head, tail FROM linkspan_main.outbox_stream
		WHERE subject IN (?)`, bun.List(subjects))
	if err != nil {
		return nil, err
	}
	found := make([]*destination, len(rows))
	for i, row := range rows {
		d := &destination{stream: row, want: make(facts)}
		if row.Kind == "CHANNEL" {
			d.slot = shardrouter.Slot(ids.ChannelFrom(row.Destination).Slot())
		} else {
			d.slot, d.list = shardrouter.SlotOf(row.Destination), row.Destination
		}
		found[i] = d
	}
	return found, nil
}
