package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"linkspan/internal/gqlclient"
)

const (
	// hearTimeout is how long a subscription may take to tell of what happened.
	hearTimeout = 10 * time.Second
	// unheard is how many events may wait until the tour comes to them: their times are those of their arrival.
	unheard = 256
)

// party is one user who takes part, over connections of its own.
type party struct {
	client      *gqlclient.Client
	inbox, talk ear
}

// ear is a subscription over a socket of its own.
type ear struct {
	socket *gqlclient.Socket
	heard  chan heard
}

// heard is what a subscription told, and when. err is the end of it.
type heard struct {
	event tourEvent
	at    time.Time
	err   error
}

// do sends an operation and tells how long the answer took.
func (p *party) do(ctx context.Context, document string, variables map[string]any, out any) (time.Duration, error) {
	started := time.Now()
	err := p.client.Do(ctx, document, "", variables, out)
	return time.Since(started), err
}

// mutate is do for an operation with an input.
func (p *party) mutate(ctx context.Context, document string, input map[string]any, out any) (time.Duration, error) {
	return p.do(ctx, document, map[string]any{"input": input}, out)
}

// listen opens a subscription of one field. It returns how long that took, when the subscription runs, which a checkpoint
// says: it tells of all that happens from then on. close ends it.
func (e *ear) listen(ctx context.Context, client *gqlclient.Client, document string, variables map[string]any) (time.Duration, error) {
	started := time.Now()
	socket, err := client.Dial(ctx)
	if err != nil {
		return 0, err
	}
	e.socket = socket
	sub, err := socket.Subscribe(document, "", variables)
	if err != nil {
		return 0, err
	}
	e.heard = make(chan heard, unheard)
	go func() {
		defer close(e.heard)
		for {
			var told map[string]tourEvent
			result, err := sub.Next(ctx)
			if err == nil {
				err = result.Decode(&told)
			}
			one := heard{at: time.Now(), err: err}
			for _, one.event = range told {
			}
			select {
			case e.heard <- one:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	first, err := e.hears(ctx, func(e tourEvent) bool { return strings.HasSuffix(e.Typename, "Checkpoint") })
	return first.at.Sub(started), err
}

// hears waits for an event, and drops what comes before.
func (e *ear) hears(ctx context.Context, wanted func(tourEvent) bool) (heard, error) {
	timeout := time.NewTimer(hearTimeout)
	defer timeout.Stop()
	for {
		select {
		case told, ok := <-e.heard:
			if !ok {
				return heard{}, errors.New("the subscription has ended")
			}
			if told.err != nil || wanted(told.event) {
				return told, told.err
			}
		case <-timeout.C:
			return heard{}, fmt.Errorf("the subscription did not tell within %v", hearTimeout)
		case <-ctx.Done():
			return heard{}, ctx.Err()
		}
	}
}

// close ends the subscription. The context of listen has ended before.
func (e *ear) close() {
	if e.socket == nil {
		return
	}
	e.socket.Close()
	for e.heard != nil {
		if _, ok := <-e.heard; !ok {
			return
		}
	}
}

// home finds out where the data of the party's group lives: with the channels that it made. If it has made none yet,
// one is made and taken back.
func (p *party) home(ctx context.Context, own, other, name string) (place, error) {
	var listed struct {
		Viewer struct {
			SharedChannels struct{ Nodes []*tourChannel }
		}
	}
	if _, err := p.do(ctx, tourHome, nil, &listed); err != nil {
		return place{}, err
	}
	for _, channel := range listed.Viewer.SharedChannels.Nodes {
		if channel != nil && channel.Initiator.Handle == own && channel.Shard != nil {
			return *channel.Shard, nil
		}
	}
	created, _, err := p.create(ctx, other, name, "Only to see where our data lives: taken back at once.")
	if err != nil {
		return place{}, err
	}
	var revoked struct {
		RevokeInvitation struct{ Errors tourRefusals }
	}
	if _, err := p.mutate(ctx, tourRevoke, map[string]any{"invitationId": created.Invitation.ID}, &revoked); err != nil {
		return place{}, err
	}
	return *created.SharedChannel.Shard, revoked.RevokeInvitation.Errors.err()
}

// tourCreated is what came of a createSharedChannel.
type tourCreated struct {
	SharedChannel *tourChannel
	Invitation    *struct{ ID string }
	Errors        tourRefusals
}

// create makes a channel and asks a group to share it.
func (p *party) create(ctx context.Context, target, name, note string) (tourCreated, time.Duration, error) {
	var answer struct{ CreateSharedChannel tourCreated }
	took, err := p.mutate(ctx, tourCreate, map[string]any{"target": map[string]any{"handle": target}, "name": name, "note": note}, &answer)
	created := answer.CreateSharedChannel
	switch {
	case err != nil:
	case len(created.Errors) > 0:
		err = created.Errors.err()
	case created.SharedChannel == nil || created.SharedChannel.Shard == nil || created.Invitation == nil:
		err = errors.New("the answer has no channel, no shard or no invitation")
	}
	return created, took, err
}

func (r tourRefusals) err() error {
	if len(r) == 0 {
		return nil
	}
	return fmt.Errorf("refused: %s: %s", r[0].Code, r[0].Message)
}
