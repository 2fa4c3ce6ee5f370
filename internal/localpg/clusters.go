package localpg

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// exitsKept is how many unexpected ends wait for a reader of Exited; later ones are only logged.
const exitsKept = 16

// Clusters are running PostgreSQL clusters. All methods may be called at the same time.
type Clusters struct {
	cfg      Config
	root     *dataRoot
	account  account
	postgres Postgres
	nodes    map[string]*node

	exited   chan Exit
	watchers sync.WaitGroup // senders on exited

	life     context.Context // ends when Stop begins
	endLife  context.CancelFunc
	stopOnce sync.Once
	stopErr  error
}

// DSN is the data source name of a cluster's first database, in keyword/value form: a superuser over the Unix socket. It
// stays the same over restarts. It panics for a name that is not one of Config.Names.
func (c *Clusters) DSN(name string) string { return c.DatabaseDSN(name, firstDB) }

// DatabaseDSN is DSN for another database of the cluster.
func (c *Clusters) DatabaseDSN(name, database string) string {
	return fmt.Sprintf("host=%s port=%s user=%s dbname=%s", c.node(name).socketDir, socketPort, superuser, quoteDSN(database))
}

// quoteDSN quotes a value for a keyword/value DSN.
func quoteDSN(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// Postgres is the installation that runs.
func (c *Clusters) Postgres() Postgres { return c.postgres }

// LogPath is where a cluster's PostgreSQL logs. The log of the start before is next to it, with ".previous" appended.
func (c *Clusters) LogPath(name string) string { return c.node(name).logPath }

// PID is the process id of a cluster's postgres, 0 while it does not run.
func (c *Clusters) PID(name string) int {
	if pm := c.node(name).running(); pm != nil {
		return pm.pid
	}
	return 0
}

// Exited tells of each postgres process that ended unexpectedly; what Stop, Kill and Restart end is expected. It is
// closed when Stop has stopped everything. At most 16 wait to be received.
func (c *Clusters) Exited() <-chan Exit { return c.exited }

func (c *Clusters) node(name string) *node {
	n, ok := c.nodes[name]
	if !ok {
		panic(fmt.Sprintf("localpg: no cluster %q", name))
	}
	return n
}

// Exit tells that a postgres process ended though nobody asked it to.
type Exit struct {
	Name string // the cluster
	PID  int
	Err  error // says how it ended, with the end of its log; never nil
}

// Start locks the data root, makes the clusters that are absent and starts all of them. It returns when each accepts
// connections; if one fails, it stops the others first. ctx bounds the start only.
//
// Processes of an earlier run that still use the data are stopped first. The errors are of the kinds listed with ErrLocked.
func Start(ctx context.Context, cfg Config) (*Clusters, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	root, err := lockRoot(cfg.Root)
	if err != nil {
		return nil, err
	}
	c := &Clusters{cfg: cfg, root: root, nodes: map[string]*node{}, exited: make(chan Exit, exitsKept)}
	c.life, c.endLife = context.WithCancel(context.WithoutCancel(ctx))
	if err := c.prepare(ctx); err != nil {
		c.endLife()
		return nil, errors.Join(err, root.unlock())
	}
	group, groupCtx := errgroup.WithContext(ctx)
	for _, n := range c.nodes {
		group.Go(func() error {
			cfg.progressf("starting %s", n.name)
			return c.start(groupCtx, n)
		})
	}
	if err := group.Wait(); err != nil {
		// The caller's patience may be over; the clusters' data still deserves a shutdown.
		return nil, errors.Join(err, c.Stop(context.WithoutCancel(ctx)))
	}
	return c, nil
}

// prepare finds PostgreSQL and brings the data root to the state that postgres processes can be started on.
func (c *Clusters) prepare(ctx context.Context) error {
	existing, err := c.root.clusterDirs()
	if err != nil {
		return err
	}
	majors := make([]int, 0, len(existing))
	var dirs []string
	for major, clusters := range existing {
		majors = append(majors, major)
		dirs = append(dirs, clusters...)
	}
	slices.Sort(majors)
	slices.Sort(dirs)
	if c.account, err = runAs(dirs); err != nil {
		return err
	}
	if err := checkReach(ctx, c.account, c.root.path); err != nil {
		return err
	}
	c.cfg.Progress("finding PostgreSQL")
	if c.postgres, err = findPostgres(ctx, c.cfg, c.account, majors); err != nil {
		return err
	}
	if err := checkMajor(c.root, c.postgres, majors); err != nil {
		return err
	}
	if err := stopOrphans(ctx, c.cfg.Logger, dirs); err != nil {
		return err
	}
	if err := makeClusters(ctx, c.cfg, c.root, c.account, c.postgres); err != nil {
		return err
	}
	sockets, err := c.root.socketDirs(c.account, c.cfg.Names)
	if err != nil {
		return err
	}
	logs, err := c.root.dir(c.account, logDirName)
	if err != nil {
		return err
	}
	for _, name := range c.cfg.Names {
		c.nodes[name] = &node{
			name:      name,
			dataDir:   c.root.clusterDir(c.postgres.Major, name),
			socketDir: sockets[name],
			logPath:   filepath.Join(logs, name+".log"),
		}
	}
	return nil
}

// checkMajor refuses to start beside data of another major version: it would look as if the data were gone.
func checkMajor(root *dataRoot, pg Postgres, majors []int) error {
	if len(majors) == 0 || slices.Contains(majors, pg.Major) {
		return nil
	}
	versions := make([]string, len(majors))
	for i, major := range majors {
		versions[i] = strconv.Itoa(major)
	}
	made := strings.Join(versions, " and ")
	return &problem{kind: ErrOtherMajor, text: fmt.Sprintf(
		"the data in %s was made by PostgreSQL %s, and the one found (%s) is %d: install PostgreSQL %s or set LINKSPAN_PG_BINDIR "+
			"to its bin directory; to begin anew instead, choose another data directory", root.path, made, pg.BinDir, pg.Major, made)}
}
