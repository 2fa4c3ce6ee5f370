package shardrouter

import (
	"context"
	"net"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// hostsOf are the hosts of a DSN in its order, each once for every way that it is tried (with TLS and without).
func hostsOf(config *pgx.ConnConfig) []*pgconn.FallbackConfig {
	first := &pgconn.FallbackConfig{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}
	return append([]*pgconn.FallbackConfig{first}, config.Fallbacks...)
}

// hostAnswer is what a ping of a host had: nil, or why there was no answer.
type hostAnswer struct {
	target string
	err    error
}

func target(host *pgconn.FallbackConfig) string {
	return net.JoinHostPort(host.Host, strconv.Itoa(int(host.Port)))
}

// pingHosts asks each host once, all at the same time. So many answers come.
func pingHosts(ctx context.Context, hosts []*pgconn.FallbackConfig) (answers chan hostAnswer, n int) {
	distinct := make(map[string]*pgconn.FallbackConfig)
	for _, host := range hosts {
		distinct[target(host)] = host
	}
	answers = make(chan hostAnswer, len(distinct))
	for name, host := range distinct {
		go func() { answers <- hostAnswer{name, pingHost(ctx, host)} }()
	}
	return answers, len(distinct)
}

// withoutSilentHosts leaves hosts out that answer no ping within half of AttemptTimeout, where another does. One that hangs
// would hold up each new connection for ConnectTimeout, for as long as the DSN names it: after a failover, for ever.
func (d *Database) withoutSilentHosts(ctx context.Context, config *pgx.ConnConfig) {
	if len(config.Fallbacks) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, d.config.AttemptTimeout/2)
	defer cancel()
	all := hostsOf(config)
	answers, n := pingHosts(ctx, all)
	answered := make(map[string]bool)
	for range n {
		if answer := <-answers; answer.err == nil {
			answered[answer.target] = true
		}
	}
	live := slices.DeleteFunc(all, func(host *pgconn.FallbackConfig) bool { return !answered[target(host)] })
	if len(live) == 0 {
		return // to connect tells why
	}
	config.Host, config.Port, config.TLSConfig = live[0].Host, live[0].Port, live[0].TLSConfig
	config.Fallbacks = live[1:]
}
