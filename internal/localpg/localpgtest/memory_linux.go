package localpgtest

import "golang.org/x/sys/unix"

// minMemory is how much a memory file system must have to spare. A test binary needs about 100 MB and 8 MB a database.
const minMemory = 4 << 30

// memoryDir is a memory file system for data that nobody keeps, "" if there is none or it is small (in containers it
// often is). Making a database takes 10 ms there and up to 200 ms on a disk.
func memoryDir() string {
	const dir = "/dev/shm"
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil || stat.Type != unix.TMPFS_MAGIC {
		return ""
	}
	if stat.Bavail*uint64(stat.Bsize) < minMemory || unix.Access(dir, unix.W_OK) != nil {
		return ""
	}
	return dir
}
