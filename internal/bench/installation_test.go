package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"linkspan/internal/gqlclient"
	"linkspan/internal/load"
	"linkspan/internal/localpg"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/server/servertest"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

// readyPatience is how long the program may take to serve.
const readyPatience = time.Minute

// everyone is the group that has a side of each channel.
const everyone = "everyone"

// durableClusters are clusters that lose nothing, with as much memory and WAL as the anchors' Postgres has: what dev has is for a laptop.
func durableClusters(b *testing.B, names ...string) *localpg.Clusters {
	return clustersWith(b, map[string]string{"shared_buffers": "256MB", "max_wal_size": "1GB", "min_wal_size": "80MB"}, names...)
}

// clustersWith are clusters that lose nothing, with these settings of Postgres.
func clustersWith(b *testing.B, settings map[string]string, names ...string) *localpg.Clusters {
	b.Helper()
	return localpgtest.ClustersWith(b, localpg.Config{Names: names, Durable: true, Settings: settings})
}

// installation is the program that LINKSPAN_BIN names, in a process of its own, on four durable clusters of its own.
type installation struct {
	b          *testing.B
	config     shardrouter.Config
	clusters   *localpg.Clusters
	operations load.Operations
	log        string   // the file that it logs to
	settings   []string // of the program, as its environment says them

	program *exec.Cmd
	url     string
	metrics string // where it tells them

	initiators map[string]string // a group on each shard, by the shard's name
	home       string            // the shard of everyone
	channels   []string          // the initiators take turns; everyone is the other side
}

func newInstallation(b *testing.B) *installation {
	b.Helper()
	clusters := durableClusters(b, clusterNames...)
	config := configOf(clusters.DSN)
	storetest.Migrate(b, config)
	in := installationOn(b, clusters, config)
	in.register()
	return in
}

// clusterNames are those of an installation.
var clusterNames = []string{shardrouter.MainName, "shard-1", "shard-2", "shard-3"}

// configOf is an installation on the clusters with these DSNs.
func configOf(dsn func(name string) string) shardrouter.Config {
	config := shardrouter.Config{MainDSN: dsn(shardrouter.MainName)}
	for _, name := range clusterNames[1:] {
		config.Shards = append(config.Shards, shardrouter.Shard{Name: name, DSN: dsn(name)})
	}
	return config
}

// installationOn starts the program on what is there, with these settings.
func installationOn(b *testing.B, clusters *localpg.Clusters, config shardrouter.Config, settings ...string) *installation {
	b.Helper()
	if os.Getenv("LINKSPAN_BIN") == "" {
		b.Fatal("LINKSPAN_BIN is not set: use make")
	}
	in := &installation{b: b, clusters: clusters, config: config, settings: settings, initiators: map[string]string{}}
	var err error
	if in.operations, err = load.ReadOperations("../../clients/operations.graphql"); err != nil {
		b.Fatal(err)
	}
	in.log = filepath.Join(b.TempDir(), "log")
	b.Cleanup(in.keepLogs)
	b.Cleanup(in.stop)
	in.start()
	return in
}

// keepLogs keeps what the program and its clusters logged, if the benchmark failed.
func (in *installation) keepLogs() {
	if !in.b.Failed() {
		return
	}
	kept, err := os.MkdirTemp("", "linkspan-bench-")
	if err != nil {
		in.b.Fatal(err)
	}
	logs := map[string]string{"linkspan.log": in.log}
	for _, name := range clusterNames {
		logs[name+".log"] = in.clusters.LogPath(name)
	}
	for name, path := range logs {
		text, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(filepath.Join(kept, name), text, 0o600)
		}
		if err != nil {
			in.b.Error(err)
		}
	}
	fmt.Printf("what the program and its clusters logged is kept in %s\n", kept)
}

// lowPorts are free ports below those that clients' own ends have.
func lowPorts(b *testing.B, count int) (free []int) {
	b.Helper()
	for port := 21000; port < 32768 && len(free) < count; port++ {
		if listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			defer listener.Close()
			free = append(free, port)
		}
	}
	if len(free) < count {
		b.Fatal("no port is free")
	}
	return free
}

// environment tells a program where the clusters are, and what signs tokens.
func (in *installation) environment() []string {
	shards := make([]string, len(in.config.Shards))
	for i, shard := range in.config.Shards {
		shards[i] = shard.Name + "=" + shard.DSN
	}
	return []string{
		"LINKSPAN_MAIN_DSN=" + in.config.MainDSN, "LINKSPAN_SHARD_DSNS=" + strings.Join(shards, ","), "LINKSPAN_JWT_SECRET=" + string(servertest.Secret),
	}
}

// start starts the program and waits until it serves.
func (in *installation) start() {
	in.b.Helper()
	log, err := os.OpenFile(in.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		in.b.Fatal(err)
	}
	defer log.Close()
	ports := lowPorts(in.b, 2)
	in.metrics = fmt.Sprintf("http://127.0.0.1:%d/metrics", ports[1])
	in.program = exec.Command(os.Getenv("LINKSPAN_BIN"), "serve")
	in.program.Env = append(os.Environ(), "LINKSPAN_RATE=0", "LINKSPAN_DRAIN_DELAY=0s", "LINKSPAN_LOG_LEVEL=WARN",
		fmt.Sprintf("LINKSPAN_LISTEN=127.0.0.1:%d", ports[0]),
		fmt.Sprintf("LINKSPAN_ADMIN_LISTEN=127.0.0.1:%d", ports[1]))
	in.program.Env = append(append(in.program.Env, in.environment()...), in.settings...)
	in.program.Stderr = log
	out, err := in.program.StdoutPipe()
	if err == nil {
		err = in.program.Start()
	}
	if err != nil {
		in.program = nil
		in.b.Fatal(err)
	}
	program := in.program
	late := time.AfterFunc(readyPatience, func() { _ = program.Process.Kill() })
	defer late.Stop()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "ready:") {
		text, _ := os.ReadFile(in.log)
		in.b.Fatalf("the program does not serve: %v\n%s%s", err, line, text)
	}
	in.url = strings.TrimSpace(strings.TrimPrefix(line, "ready:"))
}

// stop ends the program, unless that was done.
func (in *installation) stop() {
	in.b.Helper()
	if in.program == nil {
		return
	}
	late := time.AfterFunc(readyPatience, func() { _ = in.program.Process.Kill() })
	defer late.Stop()
	if err := in.program.Process.Signal(os.Interrupt); err != nil {
		in.b.Error(err)
	}
	if err := in.program.Wait(); err != nil {
		text, _ := os.ReadFile(in.log)
		in.b.Errorf("the program ended with %v\n%s", err, text)
	}
	in.program = nil
}

// restart begins with a new process.
func (in *installation) restart() {
	in.stop()
	in.start()
}

func (in *installation) processes() load.Processes {
	all := load.Processes{Server: in.program.Process.Pid, Postgres: []int{in.clusters.PID(shardrouter.MainName)}}
	for _, shard := range in.config.Shards {
		all.Postgres = append(all.Postgres, in.clusters.PID(shard.Name))
	}
	return all
}

// do sends an operation of the contract.
func (in *installation) do(ctx context.Context, token, operation string, variables map[string]any, out any) error {
	query, err := in.operations.Query(operation)
	if err != nil {
		return err
	}
	return (&gqlclient.Client{URL: in.url, Token: token}).Do(ctx, query, operation, variables, out)
}

// channel makes a channel of two groups and returns its id.
func (in *installation) channel(ctx context.Context, name, initiator, target string) (string, error) {
	var created struct {
		CreateSharedChannel struct {
			SharedChannel *struct{ ID string }
			Invitation    *struct{ ID string }
			Errors        []struct{ Message string }
		}
	}
	err := in.do(ctx, servertest.Admin(in.b, "ana@"+initiator), "CreateSharedChannel",
		map[string]any{"input": map[string]any{"name": name, "target": map[string]any{"handle": target}}}, &created)
	if err != nil {
		return "", err
	}
	if created.CreateSharedChannel.SharedChannel == nil {
		return "", fmt.Errorf("refused: %v", created.CreateSharedChannel.Errors)
	}
	var accepted struct {
		AcceptSharedChannel struct {
			SharedChannel *struct{ ID string }
			Errors        []struct{ Message string }
		}
	}
	err = in.do(ctx, servertest.Admin(in.b, "gil@"+target), "AcceptSharedChannel",
		map[string]any{"input": map[string]any{"invitationId": created.CreateSharedChannel.Invitation.ID}}, &accepted)
	if err == nil && accepted.AcceptSharedChannel.SharedChannel == nil {
		err = fmt.Errorf("refused: %v", accepted.AcceptSharedChannel.Errors)
	}
	return created.CreateSharedChannel.SharedChannel.ID, err
}

// register registers everyone, and groups until there is one on each shard.
func (in *installation) register() {
	in.b.Helper()
	ctx := in.b.Context()
	register := func(handle string) {
		var registered struct {
			RegisterGroup struct{ Group *struct{ ID string } }
		}
		err := in.do(ctx, servertest.Operator(in.b), "RegisterGroup", map[string]any{"input": map[string]any{"handle": handle, "name": handle}}, &registered)
		if err != nil || registered.RegisterGroup.Group == nil {
			in.b.Fatalf("register %s: %v", handle, err)
		}
	}
	shardOf := func(initiator, target string) string {
		id, err := in.channel(ctx, "where "+initiator+" is", initiator, target)
		if err != nil {
			in.b.Fatal(err)
		}
		var found struct {
			Node struct{ Shard struct{ Cluster string } }
		}
		if err := in.do(ctx, servertest.Admin(in.b, "ana@"+initiator), "ChannelShard", map[string]any{"id": id}, &found); err != nil {
			in.b.Fatal(err)
		}
		return found.Node.Shard.Cluster
	}
	register(everyone)
	for n := 1; len(in.initiators) < len(in.config.Shards); n++ {
		handle := fmt.Sprintf("group-%d", n)
		register(handle)
		if n == 1 {
			in.home = shardOf(everyone, handle)
		}
		in.initiators[shardOf(handle, everyone)] = handle
	}
}

// fill makes channels, and posts to them at random until they have that many messages together.
func (in *installation) fill(ctx context.Context, channels, messages int) error {
	began := time.Now()
	in.channels = make([]string, channels)
	var making errgroup.Group
	making.SetLimit(16)
	for i := range in.channels {
		making.Go(func() (err error) {
			shard := in.config.Shards[i%len(in.config.Shards)].Name
			in.channels[i], err = in.channel(ctx, fmt.Sprintf("channel %d", i), in.initiators[shard], everyone)
			return err
		})
	}
	if err := making.Wait(); err != nil {
		return err
	}
	for posted := 0; posted < messages; {
		call, err := in.post(32, in.channels...)
		if err != nil {
			return err
		}
		some, err := load.HTTP(ctx, load.HTTPConfig{Call: call, Connections: 32, For: 2 * time.Second})
		if err == nil {
			err = some.Check()
		}
		if err != nil {
			return err
		}
		posted += some.Requests
	}
	for _, shard := range in.config.Shards {
		conn := connect(in.b, shard.DSN)
		_, err := conn.Exec(ctx, `VACUUM ANALYZE`)
		if err == nil {
			_, err = conn.Exec(ctx, `CHECKPOINT`)
		}
		if err := errors.Join(err, conn.Close(ctx)); err != nil {
			return err
		}
	}
	fmt.Printf("%d channels with some %d messages together, in %v\n", channels, messages, time.Since(began).Round(time.Second))
	return nil
}

// made counts channels, for names.
var made atomic.Int64

// across makes a channel whose sides are on different shards, and returns it with its initiator.
func (in *installation) across(ctx context.Context) (id, initiator string, err error) {
	for shard, group := range in.initiators {
		if shard != in.home {
			id, err = in.channel(ctx, fmt.Sprintf("across %d", made.Add(1)), group, everyone)
			return id, group, err
		}
	}
	return "", "", fmt.Errorf("all groups are on %s", in.home)
}

// users are tokens of that many users of the groups, in turn.
func (in *installation) users(count int, groups ...string) []string {
	all := make([]string, count)
	for i := range all {
		all[i] = servertest.Member(in.b, fmt.Sprintf("user%d@%s", i, groups[i%len(groups)]))
	}
	return all
}

// post is PostMessage by that many users of everyone to channels at random.
func (in *installation) post(users int, channels ...string) (load.Call, error) {
	body, err := in.operations.Body("PostMessage", map[string]any{"input": map[string]any{"channelId": "{{channel}}", "body": "hello message number {{n}}"}})
	return load.Call{URL: in.url, Body: body, Want: `"postMessage":{"message":{"id"`, Channels: channels, Tokens: in.users(users, everyone)}, err
}

// page is Messages with the last 20, by that many users of everyone of channels at random.
func (in *installation) page(users int, channels ...string) (load.Call, error) {
	body, err := in.operations.Body("Messages", map[string]any{"id": "{{channel}}", "last": 20})
	return load.Call{URL: in.url, Body: body, Want: `"edges":[{`, Channels: channels, Tokens: in.users(users, everyone)}, err
}
