/* P, the unit of the race: reads a capture with libpcap and does nothing but count. */

#include <pcap/pcap.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    char error[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *header;
    const unsigned char *data;
    unsigned long long packets = 0;
    pcap_t *capture;
    int result;

    if (argc != 2) {
        fprintf(stderr, "usage: empty_loop FILE\n");
        return 2;
    }
    capture = pcap_open_offline(argv[1], error);
    if (capture == NULL) {
        fprintf(stderr, "empty_loop: %s\n", error);
        return 1;
    }
    while ((result = pcap_next_ex(capture, &header, &data)) == 1)
        packets++;
    if (result != PCAP_ERROR_BREAK) {
        fprintf(stderr, "empty_loop: %s\n", pcap_geterr(capture));
        return 1;
    }
    pcap_close(capture);
    printf("%llu\n", packets);
    return 0;
}
