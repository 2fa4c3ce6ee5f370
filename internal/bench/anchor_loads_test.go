package bench

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"linkspan/internal/load"
)

// What the anchors have, and so have we.
const (
	anchorChannels = 1_000
	anchorMessages = 50_000
)

const (
	anchorConnections = 32
	anchorWarmUp      = 3 * time.Second // a new connection to Postgres has caches to fill: our server is started anew in each round, for F-5
	anchorFor         = 4 * time.Second

	fanOutEvents = 5
	fanOutPause  = 200 * time.Millisecond
	fanOutGrace  = 30 * time.Second

	readers, readRate = 20, 50
	readFor           = 20 * time.Second
	readGrace         = 15 * time.Second
)

const (
	anchorPost = `{"query":"mutation($c:ID!,$a:ID!,$b:String!){createMessage(channelId:$c,authorId:$a,body:$b){id channelId authorId body createdAt}}",` +
		`"variables":{"c":"{{channel}}","a":"{{writer}}","b":"%s"}}`
	anchorPage = `{"query":"query($id:ID!){channel(id:$id){id name messages(first:20){id channelId authorId body createdAt}}}","variables":{"id":"{{channel}}"}}`
	hello      = "hello message number {{n}}"
)

// anchorURL is a path of an anchor.
func anchorURL(port int, path string) string {
	return "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) + path
}

// anchorPorts are those of the anchors by their names.
var anchorPorts = map[string]int{"bare": anchorBare, "gqlgen": anchorGqlgen, "centrifuge": anchorCfuge, "apollo": anchorApollo, "mercurius": anchorMercurius}

// theirChannels are the anchors' channels: 1 to anchorChannels.
func theirChannels() []string {
	all := make([]string, anchorChannels)
	for i := range all {
		all[i] = strconv.Itoa(i + 1)
	}
	return all
}

// posts has 32 connections post to random channels.
func (a *anchors) posts(ctx context.Context, server string) (map[string]float64, error) {
	call, err := a.in.post(anchorConnections, a.in.channels...)
	switch server {
	case ours:
	case "bare":
		call = load.Call{
			URL: anchorURL(anchorBare, "/messages"), Body: `{"channelId":"{{channel}}","authorId":"{{writer}}","body":"` + hello + `"}`,
			Want: `"id"`, Channels: theirChannels(),
		}
	default:
		call = load.Call{
			URL: anchorURL(anchorPorts[server], "/graphql"), Body: fmt.Sprintf(anchorPost, hello), Want: `"createMessage":{`, Channels: theirChannels(),
		}
	}
	if err != nil {
		return nil, err
	}
	return a.http(ctx, server, call)
}

// reads has 32 connections read random channels with their last 20 messages.
func (a *anchors) reads(ctx context.Context, server string) (map[string]float64, error) {
	var call load.Call
	var err error
	switch server {
	case ours:
		call, err = a.in.page(anchorConnections, a.in.channels...)
	case "bare":
		call = load.Call{URL: anchorURL(anchorBare, "/channel/{{channel}}"), Method: "GET", Want: `"Messages":[`, Channels: theirChannels()}
	default:
		call = load.Call{URL: anchorURL(anchorPorts[server], "/graphql"), Body: anchorPage, Want: `"messages":[`, Channels: theirChannels()}
	}
	if err != nil {
		return nil, err
	}
	return a.http(ctx, server, call)
}

func (a *anchors) http(ctx context.Context, server string, call load.Call) (map[string]float64, error) {
	processes, err := a.processesOf(server)
	if err != nil {
		return nil, err
	}
	found, err := load.HTTP(ctx, load.HTTPConfig{Call: call, Connections: anchorConnections, WarmUp: anchorWarmUp, For: anchorFor, Processes: processes})
	if err == nil {
		err = found.Check()
	}
	return map[string]float64{
		"a second": found.PerSecond, "p50 ms": found.P50, "p99 ms": found.P99, "CPU µs": found.ServerCPU, "Postgres CPU µs": found.PostgresCPU,
	}, err
}

func (a *anchors) processesOf(server string) (load.Processes, error) {
	if server == ours {
		return a.in.processes(), nil
	}
	return a.processes(anchorPorts[server])
}

// marked is what is posted so that subscribers know it.
const marked = "{{mark}} hello"

// endToEnd posts 50 messages a second to 20 subscribers of both sides, which are on different clusters.
func (a *anchors) endToEnd(ctx context.Context, server string) (map[string]float64, error) {
	config := load.EndToEndConfig{Connections: 8, PerSecond: readRate, WarmUp: anchorWarmUp, For: readFor, Grace: readGrace}
	var err error
	if config.Processes, err = a.processesOf(server); err != nil {
		return nil, err
	}
	if server == ours {
		config.Post, config.Subscribers, err = a.in.conversation(ctx, config.Connections, readers)
	} else {
		config.Post = load.Call{
			URL: anchorURL(anchorGqlgen, "/graphql"), Body: fmt.Sprintf(anchorPost, marked), Want: `"createMessage":{`, Channels: []string{"7"},
		}
		config.Subscribers = load.Subscribers{
			URL: "ws" + strings.TrimPrefix(config.Post.URL, "http"), Protocol: load.GraphQL, Count: readers,
			Query: `subscription($c:ID!){messageCreated(channelId:$c){id channelId authorId body createdAt}}`, Variables: map[string]any{"c": "7"},
		}
	}
	if err != nil {
		return nil, err
	}
	found, err := load.EndToEnd(ctx, config)
	if err != nil {
		return nil, err
	}
	measured := map[string]float64{"p50": found.DelayP50, "p99": found.DelayP99, "lost": float64(found.Lost), "CPU µs": found.ServerCPU}
	if server != ours { // what an anchor loses is its own affair
		return measured, nil
	}
	return measured, found.Check()
}

// conversation is posts by users of both sides to a new channel, whose sides are on different clusters, and subscribers of both
// sides.
func (in *installation) conversation(ctx context.Context, writers, count int) (post load.Call, all load.Subscribers, err error) {
	id, initiator, err := in.across(ctx)
	if err != nil {
		return post, all, err
	}
	return in.conversationIn(id, initiator, writers, count)
}

// conversationIn is the same in a channel that is there, of the initiator and everyone.
func (in *installation) conversationIn(id, initiator string, writers, count int) (post load.Call, all load.Subscribers, err error) {
	if post, err = in.post(0, id); err != nil {
		return post, all, err
	}
	post.Body, err = in.operations.Body("PostMessage", map[string]any{"input": map[string]any{"channelId": id, "body": marked}})
	if err != nil {
		return post, all, err
	}
	post.Tokens = in.users(writers, initiator, everyone)
	all = load.Subscribers{
		URL: "ws" + strings.TrimPrefix(in.url, "http"), Protocol: load.GraphQL, Count: count,
		Variables: map[string]any{"channelId": id}, Tokens: in.users(count, initiator, everyone),
	}
	all.Query, err = in.operations.Query("ChannelEvents")
	return post, all, err
}

// fanOut sends events to many subscribers, of both sides in turn, of a server that has just been started.
func (a *anchors) fanOut(ctx context.Context, server string) (map[string]float64, error) {
	config := load.FanOutConfig{Events: fanOutEvents, Pause: fanOutPause, Grace: fanOutGrace}
	if server == ours {
		a.in.restart()
		config.Processes.Server = a.in.program.Process.Pid
		var err error
		if config.Post, config.Subscribers, err = a.in.conversation(ctx, 1, a.subscribers); err != nil {
			return nil, err
		}
	} else {
		port, fresh, err := a.freshCentrifuge(ctx)
		if err != nil {
			return nil, err
		}
		defer func() { // it has no other end
			_ = fresh.Process.Kill()
			_ = fresh.Wait()
		}()
		config.Processes.Server = fresh.Process.Pid
		config.Post = load.Call{
			URL: anchorURL(port, "/publish?ch=1&db=1"), Body: `{"channelId":"1","authorId":"1","body":"` + marked + `"}`, Want: `{}`,
		}
		config.Subscribers = load.Subscribers{
			URL: fmt.Sprintf("ws://127.0.0.1:%d/ws", port), Protocol: load.Centrifuge, Count: a.subscribers, Query: "1",
		}
	}
	found, err := load.FanOut(ctx, config)
	if err == nil {
		err = found.Check()
	}
	return map[string]float64{"last": found.LastP50, "p99": found.LastP99, "CPU": found.ServerCPU, "KB": found.KB, "own CPU": found.OwnCPU,
		"CPU to open": found.OpenCPU}, err
}

// freshCentrifuge starts a process of its own of the anchor: one that has had connections before keeps their memory.
func (a *anchors) freshCentrifuge(ctx context.Context) (port int, fresh *exec.Cmd, err error) {
	running, err := load.Listener(anchorCfuge)
	if err != nil {
		return 0, nil, err
	}
	port = lowPorts(a.b, 1)[0]
	address := fmt.Sprintf("127.0.0.1:%d", port)
	fresh = exec.Command(fmt.Sprintf("/proc/%d/exe", running), "-addr", address)
	if err := fresh.Start(); err != nil {
		return 0, nil, err
	}
	for late := time.Now().Add(readyPatience); ; {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			return port, fresh, conn.Close()
		}
		if time.Now().After(late) || ctx.Err() != nil {
			return 0, nil, err
		}
	}
}
