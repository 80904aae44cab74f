#include <moldau/cli/cli.h>
#include <moldau/cli/posix_environment.h>

int main(int count, char** arguments) {
    const auto environment = moldau::cli::make_posix_environment();
    return static_cast<int>(moldau::cli::run(count, arguments, *environment));
}
