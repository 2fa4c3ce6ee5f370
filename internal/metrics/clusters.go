package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"linkspan/shardrouter"
)

// clusterCollector asks the router how its clusters and pools are.
type clusterCollector struct {
	router *shardrouter.Router
	values []figure[shardrouter.Stat]
}

// WatchClusters adds how the router's clusters and pools are. Nobody is asked for it over the network.
func (m *Metrics) WatchClusters(router *shardrouter.Router) {
	c := clusterCollector{router: router}
	add := func(kind prometheus.ValueType, name, help string, of func(shardrouter.Stat) float64) {
		c.values = append(c.values, figure[shardrouter.Stat]{described(name, help, "cluster"), kind, of, nil})
	}
	const gauge, count = prometheus.GaugeValue, prometheus.CounterValue
	add(gauge, "cluster_up", "1, or 0 while this process counts the cluster as down.", func(s shardrouter.Stat) float64 {
		if s.Down > 0 {
			return 0
		}
		return 1
	})
	add(gauge, "cluster_down_seconds", "For how long it has counted as down.", func(s shardrouter.Stat) float64 { return s.Down.Seconds() })
	add(count, "cluster_outages_total", "How often it began to count as down.", func(s shardrouter.Stat) float64 { return float64(s.Outages) })
	add(count, "cluster_reconnects_total", "Attempts repeated on a new connection because theirs was lost.", func(s shardrouter.Stat) float64 { return float64(s.Reconnects) })
	add(count, "cluster_host_changes_total", "New connections that reached another address than the one before: failovers, unless the DSN spreads them.", func(s shardrouter.Stat) float64 { return float64(s.HostChanges) })
	add(count, "cluster_serialization_retries_total", "Attempts that lost to another transaction: serialization failures and deadlocks.", func(s shardrouter.Stat) float64 { return float64(s.Conflicts) })
	add(count, "cluster_fencing_refusals_total", "Reads and writes that it refused because it does not own the slot: this process was stale.", func(s shardrouter.Stat) float64 { return float64(s.NotOwned) })
	add(gauge, "pool_acquired_connections", "Connections in use.", func(s shardrouter.Stat) float64 { return float64(s.Pool.AcquiredConns()) })
	add(gauge, "pool_idle_connections", "Connections that wait for use.", func(s shardrouter.Stat) float64 { return float64(s.Pool.IdleConns()) })
	add(gauge, "pool_max_connections", "Most connections that there may be: LINKSPAN_POOL_SIZE.", func(s shardrouter.Stat) float64 { return float64(s.Pool.MaxConns()) })
	add(count, "pool_acquires_total", "Connections taken from the pool.", func(s shardrouter.Stat) float64 { return float64(s.Pool.AcquireCount()) })
	add(count, "pool_empty_acquires_total", "Those that had to wait, for a free or a new connection.", func(s shardrouter.Stat) float64 { return float64(s.Pool.EmptyAcquireCount()) })
	add(count, "pool_canceled_acquires_total", "Those that were given up while they waited.", func(s shardrouter.Stat) float64 { return float64(s.Pool.CanceledAcquireCount()) })
	add(count, "pool_wait_seconds_total", "Time that was waited for connections in all.", func(s shardrouter.Stat) float64 { return s.Pool.EmptyAcquireWaitTime().Seconds() })
	m.register(c)
}

// Describe implements [prometheus.Collector].
func (c clusterCollector) Describe(to chan<- *prometheus.Desc) {
	for _, value := range c.values {
		to <- value.desc
	}
}

// Collect implements [prometheus.Collector].
func (c clusterCollector) Collect(to chan<- prometheus.Metric) {
	for _, database := range c.router.Databases() {
		stat := database.Stat()
		for _, value := range c.values {
			to <- value.metric(stat, database.Name())
		}
	}
}
