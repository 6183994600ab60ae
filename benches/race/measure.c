/* Runs a command and says what it cost: "CPU_S WALL_S PEAK_KIB EXIT".
 *
 * CPU is user and system time of the command and the children it waited for; the peak is that of
 * the largest of them. Small itself on purpose: a child inherits its parent's peak until it is
 * larger. What the command prints goes to /dev/null, its complaints stay visible. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile pid_t child;

static void give_up(int signal)
{
    (void)signal;
    kill(child, SIGKILL);
}

static double seconds(struct timeval time)
{
    return time.tv_sec + time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    struct timespec begin, end;
    struct rusage usage;
    struct rlimit limit;
    int status, code, nothing;

    if (argc < 4) {
        fprintf(stderr, "usage: measure LIMIT_S LIMIT_MIB COMMAND [ARGUMENT]...\n");
        return 2;
    }
    clock_gettime(CLOCK_MONOTONIC, &begin);
    child = fork();
    if (child < 0) {
        perror("measure: fork");
        return 2;
    }
    if (child == 0) {
        nothing = open("/dev/null", O_RDWR);
        dup2(nothing, 0);
        dup2(nothing, 1);
        if (getenv("MEASURE_SILENT") != NULL)
            dup2(nothing, 2);
        limit.rlim_cur = limit.rlim_max = (rlim_t)atoi(argv[2]) << 20;
        setrlimit(RLIMIT_AS, &limit);
        execvp(argv[3], argv + 3);
        _exit(127);
    }
    signal(SIGALRM, give_up);
    alarm((unsigned)atoi(argv[1]));
    if (wait4(child, &status, 0, &usage) < 0) {
        perror("measure: wait4");
        return 2;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    printf("%.4f %.4f %ld %d\n",
           seconds(usage.ru_utime) + seconds(usage.ru_stime),
           (end.tv_sec - begin.tv_sec) + (end.tv_nsec - begin.tv_nsec) / 1e9,
           usage.ru_maxrss, code);
    return 0;
}
