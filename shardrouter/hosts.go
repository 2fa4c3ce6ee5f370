package shardrouter

import (
	"context"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// hostsOf are the hosts of a DSN in its order, each once for every way that it is tried (with TLS and without).
func hostsOf(config *pgx.ConnConfig) []*pgconn.FallbackConfig {
	first := &pgconn.FallbackConfig{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}
	return append([]*pgconn.FallbackConfig{first}, config.Fallbacks...)
}

func setHosts(config *pgx.ConnConfig, hosts []*pgconn.FallbackConfig) {
	config.Host, config.Port, config.TLSConfig = hosts[0].Host, hosts[0].Port, hosts[0].TLSConfig
	config.Fallbacks = hosts[1:]
}

// hostAnswer is what a ping of a host had: nil, or why there was no answer.
type hostAnswer struct {
	target string
	err    error
}

func target(host *pgconn.FallbackConfig) string {
	return net.JoinHostPort(host.Host, strconv.Itoa(int(host.Port)))
}

// targets are the hosts, each once.
func targets(hosts []*pgconn.FallbackConfig) map[string]*pgconn.FallbackConfig {
	distinct := make(map[string]*pgconn.FallbackConfig)
	for _, host := range hosts {
		distinct[target(host)] = host
	}
	return distinct
}

// pingHosts asks each target once, all at the same time. As many answers come as there are targets.
func pingHosts(ctx context.Context, by *dialer, targets map[string]*pgconn.FallbackConfig) chan hostAnswer {
	answers := make(chan hostAnswer, len(targets))
	for name, host := range targets {
		go func() { answers <- hostAnswer{name, pingHost(ctx, by, host)} }()
	}
	return answers
}

// hostPatience is how long a host may be silent before it is no longer the first to be tried.
func (c Config) hostPatience() time.Duration { return min(c.AttemptTimeout, c.ConnectTimeout) / 2 }

// splitHosts pings the hosts of a DSN, if there are several, and parts those that are silent from the others. If the first
// is enough, none counts as silent when that one has answered.
func (d *Database) splitHosts(
	ctx context.Context, by *dialer, config *pgx.ConnConfig, firstIsEnough bool,
) (live, silent []*pgconn.FallbackConfig) {
	all := hostsOf(config)
	distinct := targets(all)
	if len(distinct) == 1 {
		return all, nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.config.hostPatience())
	defer cancel()
	answers := pingHosts(ctx, by, distinct)
	answered := make(map[string]bool)
	for range distinct {
		answer := <-answers
		answered[answer.target] = answer.err == nil
		if firstIsEnough && answered[target(all[0])] {
			return all, nil
		}
	}
	for _, host := range all {
		if answered[target(host)] {
			live = append(live, host)
		} else {
			silent = append(silent, host)
		}
	}
	return live, silent
}

// silentLast lets the hosts that answer a ping be tried before those that do not. One that hangs would hold up each new
// connection for ConnectTimeout, for as long as the DSN names it first: after a failover, for ever.
func (d *Database) silentLast(ctx context.Context, config *pgx.ConnConfig) {
	live, silent := d.splitHosts(ctx, d.dialer, config, true)
	setHosts(config, slices.Concat(live, silent))
}

// withoutSilent leaves the hosts out that answer no ping, where another does: who asks whether the cluster serves has no
// time to wait for them.
func (d *Database) withoutSilent(ctx context.Context, by *dialer, config *pgx.ConnConfig) {
	if live, _ := d.splitHosts(ctx, by, config, false); len(live) > 0 {
		setHosts(config, live)
	}
}
