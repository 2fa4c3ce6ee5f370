package main

import (
	"strings"

	"linkspan/internal/load"
)

// subscribeFlags are who reads, and what.
type subscribeFlags struct {
	SocketURL         string `name:"socket-url" env:"LOADGEN_SOCKET_URL" placeholder:"URL" help:"Where subscribers go. Default: the URL, with ws."`
	Protocol          string `default:"graphql-transport-ws" enum:"graphql-transport-ws,centrifuge" env:"LOADGEN_PROTOCOL" help:"graphql-transport-ws or centrifuge."`
	Subscription      string `default:"ChannelEvents" env:"LOADGEN_SUBSCRIPTION" placeholder:"NAME" help:"The operation that subscribers send."`
	SubscribeTo       string `env:"LOADGEN_SUBSCRIBE_TO" placeholder:"TEXT" help:"A document to send instead of it; with centrifuge a channel."`
	SubscribeVariable string `name:"subscription-variables" default:"{\"channelId\":\"{{channel}}\"}" env:"LOADGEN_SUBSCRIPTION_VARIABLES" placeholder:"JSON" help:"Its variables; {{channel}} is the first channel."`
}

// prepare is what a run with subscribers needs: what that many connections send, who reads, and whose CPU is read.
func (f subscribeFlags) prepare(
	common commonFlags, send sendFlags, connections, count int,
) (call load.Call, readers load.Subscribers, processes load.Processes, err error) {
	if call, err = common.call(send, connections); err != nil {
		return call, readers, processes, err
	}
	if readers, err = f.subscribers(common, count); err != nil {
		return call, readers, processes, err
	}
	processes, err = common.processes()
	return call, readers, processes, err
}

// subscribers are those that read, each a user of its own.
func (f subscribeFlags) subscribers(common commonFlags, count int) (all load.Subscribers, err error) {
	all = load.Subscribers{URL: f.SocketURL, Protocol: load.Protocol(f.Protocol), Count: count, Query: f.SubscribeTo}
	if all.URL == "" {
		all.URL = "ws" + strings.TrimPrefix(common.URL, "http")
	}
	if all.Query == "" {
		operations, err := load.ReadOperations(common.Operations)
		if err != nil {
			return all, err
		}
		if all.Query, err = operations.Query(f.Subscription); err != nil {
			return all, err
		}
		variables := f.SubscribeVariable
		if len(common.Channel) > 0 {
			variables = strings.ReplaceAll(variables, "{{channel}}", common.Channel[0])
		}
		if all.Variables, err = variablesOf(variables); err != nil {
			return all, err
		}
	}
	all.Tokens, err = common.tokens(count)
	return all, err
}
