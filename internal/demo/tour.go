package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"time"

	"linkspan/internal/gqlclient"
)

// TourUsers are those whose tokens the tour needs.
var TourUsers = []string{"ana@acme", "gil@globex", "hua@globex", "ivy@initech"}

// TourConfig is what the tour needs.
type TourConfig struct {
	// URL is that of the server's GraphQL endpoint.
	URL string
	// Tokens are those of TourUsers.
	Tokens map[string]string
	// Out is where it is shown.
	Out io.Writer
	// Width is that of Out in columns; what is below 80 is taken for 80, and what is above 120 is not used.
	Width int
	// Color says whether Out shows colours.
	Color bool
	// Pace is a pause after each step, for those who watch. It is in no time that is shown.
	Pace time.Duration
	// HTTP sends requests and opens sockets; nil is http.DefaultClient.
	HTTP *http.Client
}

// Tour plays the main job on a running server with the demo groups and shows each step: what happened on which side, on
// which clusters, and how long it took. It may be played any number of times, one at a time; each makes channels of its own. For some
// steps globex's policy is another. It is put back also where a step fails or ctx ends; where it can't be, because the process is killed or the server
// goes away, it stays, and the error, if there is still somebody to return it to, says how to set it.
//
// The error says which step was not as it should be. With ctx it ends early, with ctx's error.
func Tour(ctx context.Context, config TourConfig) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	t := &tour{
		config: config,
		screen: newScreen(config.Out, config.Width, config.Color),
		ana:    config.party("ana@acme"), gil: config.party("gil@globex"), hua: config.party("hua@globex"), ivy: config.party("ivy@initech"),
	}
	defer func() {
		ending, end := context.WithTimeout(context.WithoutCancel(ctx), putBackWithin)
		defer end()
		err = errors.Join(err, t.putBack(ending))
		cancel()
		for _, e := range []*ear{&t.ana.inbox, &t.ana.talk, &t.gil.inbox, &t.gil.talk} {
			e.close()
		}
	}()
	suffix := strings.ToLower(rand.Text()[:5])
	t.scene = scene{
		url: config.URL, note: "Shall we plan it together?",
		acmeName: "launch-" + suffix, globexName: "rocket-with-acme-" + suffix, talk: tourTalk,
		approval: approvalScene{name: "review-" + suffix},
	}
	if err := t.look(ctx, suffix); err != nil {
		return t.unreachable(err)
	}
	if err := t.scene.header(t.screen); err != nil {
		return err
	}
	steps := []func(context.Context) (row, error){
		t.listen, t.ask, t.arrive, t.accept, t.hear, t.open, t.outside,
		t.follow, t.say, t.hearHello, t.sayAlone, t.reply, t.hearReply, t.readBack,
		t.askThird, t.thirdComes, t.thirdLeaves, t.hearThird,
		t.wantApproval, t.askAgain, t.memberAccepts, t.agree, t.hearAgreed,
	}
	for i, step := range steps {
		shown, err := step(ctx)
		if err != nil {
			return fmt.Errorf("step %d is not as it should be: %w", i+1, err)
		}
		if err := t.screen.row(shown); err != nil {
			return err
		}
		if err := pause(ctx, config.Pace); err != nil {
			return err
		}
	}
	return t.scene.closing(t.screen)
}

func (c TourConfig) party(user string) *party {
	return &party{client: &gqlclient.Client{URL: c.URL, Token: c.Tokens[user], HTTP: c.HTTP}}
}

// tour is one that is being played.
type tour struct {
	config             TourConfig
	screen             *screen
	scene              scene
	ana, gil, hua, ivy *party

	asked      time.Time // when step 2 began
	accepted   time.Time // when step 4 began
	invitation string
	talk
	circle
	approval approval
}

// look finds out where the groups' data lives. With that all connections for requests are open.
func (t *tour) look(ctx context.Context, suffix string) (err error) {
	if t.scene.acme, err = t.ana.home(ctx, "acme", "globex", "home-of-acme-"+suffix); err != nil {
		return err
	}
	if t.scene.globex, err = t.gil.home(ctx, "globex", "acme", "home-of-globex-"+suffix); err != nil {
		return err
	}
	for _, p := range []*party{t.hua, t.ivy} {
		if _, err := p.do(ctx, `{ __typename }`, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// unreachable says what to do where the tour can't begin.
func (t *tour) unreachable(err error) error {
	var fault *gqlclient.Error
	var status *gqlclient.StatusError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no server answers at %s: run `make run` first", t.config.URL)
	case errors.As(err, &fault) && fault.Code == "UNAUTHENTICATED":
		return fmt.Errorf("the server at %s does not take these tokens: do LINKSPAN_URL and LINKSPAN_DATA name the same dev server?", t.config.URL)
	case errors.As(err, &status):
		return fmt.Errorf("what answers at %s is not Linkspan (status %d): check LINKSPAN_URL", t.config.URL, status.Status)
	}
	return fmt.Errorf("the tour can't begin: %w", err)
}

func (t *tour) listen(ctx context.Context) (_ row, err error) {
	if t.scene.opened.left, err = t.ana.inbox.listen(ctx, t.ana.client, tourInbox, nil); err != nil {
		return row{}, fmt.Errorf("listening as Ana: %w", err)
	}
	if t.scene.opened.right, err = t.gil.inbox.listen(ctx, t.gil.client, tourInbox, nil); err != nil {
		return row{}, fmt.Errorf("listening as Gil: %w", err)
	}
	return t.scene.listening(), nil
}

func (t *tour) ask(ctx context.Context) (row, error) {
	t.asked = time.Now()
	created, took, err := t.ana.create(ctx, "globex", t.scene.acmeName, t.scene.note)
	if err != nil {
		return row{}, err
	}
	channel := created.SharedChannel
	t.scene.asking, t.scene.channel, t.scene.lives, t.invitation = took, channel.ID, *channel.Shard, created.Invitation.ID
	return t.scene.asks(), errors.Join(
		differs("the channel's state", channel.State, "PENDING"),
		differs("its name to acme", channel.Name, t.scene.acmeName),
		differs("its place", t.scene.lives, t.scene.acme),
	)
}

func (t *tour) arrive(ctx context.Context) (row, error) {
	told, err := t.gil.inbox.hears(ctx, func(e tourEvent) bool {
		return e.Typename == "InvitationReceived" && e.Invitation.ID == t.invitation
	})
	if err != nil {
		return row{}, fmt.Errorf("hearing as Gil of the invitation: %w", err)
	}
	t.scene.arriving = told.at.Sub(t.asked)
	in := told.event.Invitation
	return t.scene.arrives(), errors.Join(
		differs("who asks", in.SentBy.Name+" of "+in.FromGroup.Handle, "Ana of acme"),
		differs("who is asked", in.ToGroup.Handle, "globex"),
		differs("the name", in.ProposedName, t.scene.acmeName),
		differs("the note", in.Note, t.scene.note),
		differs("whether Gil can accept", in.ViewerCanAccept, true),
	)
}

func (t *tour) accept(ctx context.Context) (row, error) {
	var answer struct {
		AcceptSharedChannel struct {
			SharedChannel *tourChannel
			Errors        tourRefusals
		}
	}
	t.accepted = time.Now()
	took, err := t.gil.mutate(ctx, tourAccept, map[string]any{"invitationId": t.invitation, "name": t.scene.globexName}, &answer)
	t.scene.accepting = took
	if err = errors.Join(err, answer.AcceptSharedChannel.Errors.err()); err != nil {
		return row{}, err
	}
	return t.scene.accepts(), t.active(answer.AcceptSharedChannel.SharedChannel, "globex", t.scene.globexName)
}

// bothHear waits until both groups' inboxes tell that a channel is linked.
func (t *tour) bothHear(ctx context.Context, channel string) (ana, gil heard, err error) {
	of := func(e tourEvent) bool {
		return e.Typename == "SharedChannelLinked" && e.SharedChannel != nil && e.SharedChannel.ID == channel
	}
	if ana, err = t.ana.inbox.hears(ctx, of); err != nil {
		return ana, gil, fmt.Errorf("hearing as Ana of the link: %w", err)
	}
	if gil, err = t.gil.inbox.hears(ctx, of); err != nil {
		return ana, gil, fmt.Errorf("hearing as Gil of the link: %w", err)
	}
	return ana, gil, nil
}

func (t *tour) hear(ctx context.Context) (row, error) {
	ana, gil, err := t.bothHear(ctx, t.scene.channel)
	if err != nil {
		return row{}, err
	}
	t.scene.linked = pair{ana.at.Sub(t.accepted), gil.at.Sub(t.accepted)}
	return t.scene.hear(), errors.Join(
		differs("who is linked, to acme", ana.event.Group.Handle, "globex"),
		differs("who is linked, to globex", gil.event.Group.Handle, "globex"),
		t.active(ana.event.SharedChannel, "acme", t.scene.acmeName),
		t.active(gil.event.SharedChannel, "globex", t.scene.globexName),
	)
}

func (t *tour) open(ctx context.Context) (row, error) {
	var ana, gil *tourChannel
	var err error
	if ana, t.scene.read.left, err = t.node(ctx, t.ana); err != nil {
		return row{}, fmt.Errorf("opening the channel as Ana: %w", err)
	}
	if gil, t.scene.read.right, err = t.node(ctx, t.gil); err != nil {
		return row{}, fmt.Errorf("opening the channel as Gil: %w", err)
	}
	return t.scene.same(), errors.Join(
		t.active(ana, "acme", t.scene.acmeName), t.sides(ana, "acme"),
		t.active(gil, "globex", t.scene.globexName), t.sides(gil, "globex"),
	)
}

func (t *tour) outside(ctx context.Context) (row, error) {
	seen, took, err := t.node(ctx, t.ivy)
	if err != nil {
		return row{}, fmt.Errorf("opening the channel as Ivy: %w", err)
	}
	t.scene.looking = took
	return t.scene.outsider(), differs("whether a third group sees the channel", seen != nil, false)
}

func (t *tour) node(ctx context.Context, p *party) (*tourChannel, time.Duration, error) {
	var answer struct{ Node *tourChannel }
	took, err := p.do(ctx, tourNode, map[string]any{"id": t.scene.channel}, &answer)
	return answer.Node, took, err
}

// active checks a channel as a group sees it when it is shared.
func (t *tour) active(channel *tourChannel, group, name string) error {
	if channel == nil {
		return fmt.Errorf("%s does not see the channel", group)
	}
	return errors.Join(
		differs("the channel's id to "+group, channel.ID, t.scene.channel),
		differs("its state to "+group, channel.State, "ACTIVE"),
		differs("its name to "+group, channel.Name, name),
	)
}

// sides checks whom a group sees in the channel.
func (t *tour) sides(channel *tourChannel, group string) error {
	var handles []string
	for _, side := range channel.Sides {
		handles = append(handles, side.Group.Handle)
	}
	return differs("who is in it, to "+group, strings.Join(handles, ", "), "acme, globex")
}

// differs is an error if what is seen is not what should be.
func differs[T comparable](what string, got, want T) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("%s is %v, not %v", what, got, want)
}

func pause(ctx context.Context, pace time.Duration) error {
	timer := time.NewTimer(pace)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
