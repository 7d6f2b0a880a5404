/* Makes files slow, as those on a network are: each opening of a file below a folder, and each read of one that was opened
 * so, takes some time more. For LD_PRELOAD, where programs call the system through the C library.
 *
 *   SLOW_BELOW  the folder, as the program spells it
 *   SLOW_MS     milliseconds for each call
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#define MOST 4096

static atomic_bool slow[MOST];

static void hold_up(void) {
    const char *text = getenv("SLOW_MS");
    long milliseconds = text ? atol(text) : 0;
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static int is_below(const char *path) {
    const char *folder = getenv("SLOW_BELOW");
    return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int noted(int file, int is_slow) {
    if (file >= 0 && file < MOST)
        slow[file] = is_slow;
    return file;
}

static int opened(int folder, const char *path, int flags, mode_t mode) {
    static int (*real)(int, const char *, int, ...);
    if (!real)
        real = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat64");
    int is_slow = is_below(path) && !(flags & O_DIRECTORY);
    if (is_slow)
        hold_up();
    return noted(real(folder, path, flags, mode), is_slow);
}

#define OPEN(name, folder, ...)                                                                                                \
    int name(__VA_ARGS__, int flags, ...) {                                                                                    \
        va_list rest;                                                                                                          \
        va_start(rest, flags);                                                                                                 \
        mode_t mode = va_arg(rest, mode_t);                                                                                    \
        va_end(rest);                                                                                                          \
        return opened(folder, path, flags, mode);                                                                              \
    }

OPEN(open, AT_FDCWD, const char *path)
OPEN(open64, AT_FDCWD, const char *path)
OPEN(openat, folder, int folder, const char *path)
OPEN(openat64, folder, int folder, const char *path)

ssize_t read(int file, void *into, size_t length) {
    static ssize_t (*real)(int, void *, size_t);
    if (!real)
        real = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    if (file >= 0 && file < MOST && slow[file])
        hold_up();
    return real(file, into, length);
}

int close(int file) {
    static int (*real)(int);
    if (!real)
        real = (int (*)(int))dlsym(RTLD_NEXT, "close");
    noted(file, 0);
    return real(file);
}
