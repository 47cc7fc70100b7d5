/* A program with two libraries of Rust. */
#include <stdio.h>

#include "mutual_trust.h"

unsigned second(unsigned number);

int main(void)
{
    char name[20];
    mt_policy *policy = NULL;
    uint32_t status = mt_policy_new(&policy);
    mt_reason_name(MT_REASON_BLOCKED, name, sizeof(name));
    mt_policy_free(policy);
    printf("%u %s %u %u\n", (unsigned)status, name, second(1), second(9));
    return 0;
}
