package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// words are what the tour says in the channel.
type words struct{ hello, alone, reply string }

// tourTalk is the conversation of the tour.
var tourTalk = words{
	hello: "Hello @Gil, shall we launch on Monday?",
	alone: "Hua, does Monday suit us?",
	reply: "Monday it is.",
}

// talk is the conversation that is being played: its messages, and when they were sent.
type talk struct {
	said, replied         time.Time
	hello, private, reply string // ids
}

func (t *tour) follow(ctx context.Context) (_ row, err error) {
	channel := map[string]any{"channelId": t.scene.channel}
	if t.scene.times.following.left, err = t.ana.talk.listen(ctx, t.ana.client, tourFollow, channel); err != nil {
		return row{}, fmt.Errorf("following the channel as Ana: %w", err)
	}
	if t.scene.times.following.right, err = t.gil.talk.listen(ctx, t.gil.client, tourFollow, channel); err != nil {
		return row{}, fmt.Errorf("following the channel as Gil: %w", err)
	}
	return t.scene.follows(), nil
}

func (t *tour) say(ctx context.Context) (_ row, err error) {
	t.said = time.Now()
	t.hello, t.scene.times.saying, err = t.post(ctx, t.ana, map[string]any{"body": t.scene.talk.hello})
	return t.scene.says(), err
}

func (t *tour) hearHello(ctx context.Context) (row, error) {
	told, err := t.gil.talk.hears(ctx, posted)
	if err != nil {
		return row{}, fmt.Errorf("hearing as Gil of the message: %w", err)
	}
	t.scene.times.hearing = told.at.Sub(t.said)
	return t.scene.hearsHello(), errors.Join(
		differs("the message that Gil hears", told.event.Message.ID, t.hello),
		differs("what it says", told.event.Message.line(), "Ana: "+t.scene.talk.hello),
	)
}

func (t *tour) sayAlone(ctx context.Context) (_ row, err error) {
	t.private, t.scene.times.alone, err = t.post(ctx, t.gil, map[string]any{"body": t.scene.talk.alone, "audience": "OWN_GROUP"})
	return t.scene.saysAlone(), err
}

func (t *tour) reply(ctx context.Context) (_ row, err error) {
	t.replied = time.Now()
	t.talk.reply, t.scene.times.replying, err = t.post(ctx, t.gil, map[string]any{"body": t.scene.talk.reply, "replyToId": t.hello})
	return t.scene.replies(), err
}

// hearReply wants Ana to hear of her own message and of the reply, and of nothing between; and Gil of all.
func (t *tour) hearReply(ctx context.Context) (row, error) {
	var heardByAna, heardByGil heard
	var err error
	for _, id := range []string{t.hello, t.talk.reply} {
		if heardByAna, err = t.ana.talk.hears(ctx, posted); err != nil {
			return row{}, fmt.Errorf("hearing as Ana of the reply: %w", err)
		}
		if err := differs("the message that Ana hears", heardByAna.event.Message.ID, id); err != nil {
			return row{}, err
		}
	}
	for _, id := range []string{t.private, t.talk.reply} {
		if heardByGil, err = t.gil.talk.hears(ctx, posted); err != nil {
			return row{}, fmt.Errorf("hearing as Gil of what Gil says: %w", err)
		}
		if err := differs("the message that Gil hears", heardByGil.event.Message.ID, id); err != nil {
			return row{}, err
		}
	}
	t.scene.times.answered = pair{heardByAna.at.Sub(t.replied), heardByGil.at.Sub(t.replied)}
	return t.scene.hearReply(), differs("what it replies to", heardByAna.event.Message.ReplyTo != nil && heardByAna.event.Message.ReplyTo.ID == t.hello, true)
}

func (t *tour) readBack(ctx context.Context) (row, error) {
	hello, reply := "Ana: "+t.scene.talk.hello, "Gil: "+t.scene.talk.reply
	acme, took, err := t.read(ctx, t.ana)
	if err != nil {
		return row{}, fmt.Errorf("reading as Ana: %w", err)
	}
	t.scene.times.reading.left = took
	globex, took, err := t.read(ctx, t.gil)
	if err != nil {
		return row{}, fmt.Errorf("reading as Gil: %w", err)
	}
	t.scene.times.reading.right = took
	return t.scene.readBack(), errors.Join(
		differs("what acme reads", acme, strings.Join([]string{hello, reply}, " / ")),
		differs("what globex reads", globex, strings.Join([]string{hello, "Gil, alone: " + t.scene.talk.alone, reply}, " / ")),
	)
}

// posted tells that an event is of a new message.
func posted(e tourEvent) bool { return e.Typename == "MessagePosted" }

// post says something in the channel, and returns the message's id.
func (t *tour) post(ctx context.Context, p *party, input map[string]any) (id string, took time.Duration, err error) {
	var answer struct {
		PostMessage struct {
			Message *struct{ ID string }
			Errors  tourRefusals
		}
	}
	input["channelId"] = t.scene.channel
	took, err = p.mutate(ctx, tourPost, input, &answer)
	if err = errors.Join(err, answer.PostMessage.Errors.err()); err != nil {
		return "", took, err
	}
	if answer.PostMessage.Message == nil {
		return "", took, errors.New("the answer has no message")
	}
	return answer.PostMessage.Message.ID, took, nil
}

// read returns what a party reads in the channel.
func (t *tour) read(ctx context.Context, p *party) (lines string, took time.Duration, err error) {
	var answer struct {
		Node *struct {
			Messages struct{ Nodes []tourMessage }
		}
	}
	took, err = p.do(ctx, tourRead, map[string]any{"id": t.scene.channel}, &answer)
	if err != nil {
		return "", took, err
	}
	if answer.Node == nil {
		return "", took, errors.New("there is no such channel")
	}
	var all []string
	for _, m := range answer.Node.Messages.Nodes {
		all = append(all, m.line())
	}
	return strings.Join(all, " / "), took, nil
}

// line is who says what to whom.
func (m tourMessage) line() string {
	if m.Audience == "OWN_GROUP" {
		return m.Author.Name + ", alone: " + m.Body
	}
	return m.Author.Name + ": " + m.Body
}
